import { signal } from '@preact/signals';
import type { LiveConnection } from './connection.ts';

/** Connections of this page by tenant; they outlive a look at another page of the console. */
export const connections = signal<
  readonly { readonly tenant: string; readonly connection: LiveConnection }[]
>([]);

export function keepConnection(tenant: string, connection: LiveConnection): void {
  connections.value = [...connections.value, { tenant, connection }];
}

export function removeConnection(connection: LiveConnection): void {
  connections.value = connections.value.filter((one) => one.connection !== connection);
  void connection.close();
}
