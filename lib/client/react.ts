/** `wisp-mqtt-client/react`: hooks over an MQTT.js client, such as that of `connect`. */
export type { Qos, WispMessage } from './react/message.ts';
export { WispProvider, type WispProviderProps } from './react/provider.ts';
export { type ListOptions, type ReceiveOptions, useMessages } from './react/use-messages.ts';
export { type Publish, usePublish } from './react/use-publish.ts';
export { type RetainedOptions, useRetained } from './react/use-retained.ts';
