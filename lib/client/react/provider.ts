import type { MqttClient } from 'mqtt';
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react';
import { type HeldFilters, heldFiltersOf } from './subscriptions.ts';

const Context = createContext<HeldFilters | undefined>(undefined);

export interface WispProviderProps {
  /** Made once, outside of components or in an effect. The application ends it. */
  readonly client: MqttClient;
  readonly children?: ReactNode;
}

/** Gives the components below it the client. */
export function WispProvider({ client, children }: WispProviderProps): ReactElement {
  return createElement(Context.Provider, { value: heldFiltersOf(client) }, children);
}

/** @throws Error outside of a provider */
export function useHeldFilters(): HeldFilters {
  const filters = useContext(Context);
  if (filters === undefined)
    throw new Error('Put <WispProvider client={connect(…)}> around the components that use MQTT.');
  return filters;
}
