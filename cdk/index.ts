/** Wisp for AWS CDK apps: `import { Wisp } from 'wisp-mqtt/cdk'`. */

export {
  type EdgeFleetSettings,
  type EdgePort,
  type EdgeSettings,
  type EdgeVpcSettings,
  fleetDefaults,
} from './edge-settings.ts';
export type { DomainSettings, FunctionName, LogLevel, PresetName, StageSettings } from './settings.ts';
export { Wisp, type WispProps } from './wisp.ts';
