import { edgeAddressParts } from '../core/edge-address.ts';
import type { ConnectionAddress } from '../core/model.ts';
import type { Gateway } from '../core/ports.ts';
import type { Channels } from './channels.ts';

/** Reaches the clients of this process in memory, and all others through `others`. */
export function reachOwnFirst(channels: Channels, others: Gateway): Gateway {
  const ownChannel = (address: ConnectionAddress): number | undefined => {
    const parts = edgeAddressParts(address);
    return parts?.edge === channels.edge ? parts.channel : undefined;
  };
  return {
    async post(address, text) {
      const channel = ownChannel(address);
      return channel === undefined ? others.post(address, text) : channels.post(channel, text);
    },
    async close(address) {
      const channel = ownChannel(address);
      return channel === undefined ? others.close(address) : channels.close(channel);
    },
    async reread(address) {
      if (ownChannel(address) === undefined) await others.reread?.(address);
    },
    async lastActiveAtMs(address) {
      const channel = ownChannel(address);
      return channel === undefined ? others.lastActiveAtMs(address) : channels.lastActiveAtMs(channel);
    },
  };
}
