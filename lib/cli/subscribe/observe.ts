import type { IPublishPacket } from 'mqtt';
import { defaultSettings } from '../../core/settings.ts';
import { UserError } from '../../local/operator/user-error.ts';
import type { AdminClient } from '../admin-client.ts';
import type { Terminal } from '../terminal.ts';
import { untilAskedToStop } from '../until-stopped.ts';
import { subscribe } from './subscribe.ts';

/** The observer outlives the command by so many seconds, so that the command ends first. */
const spareSeconds = 30;

export interface ObserveOptions {
  readonly api: AdminClient;
  /** WebSocket API of the deployment. */
  readonly url: string;
  readonly tenant: string;
  readonly filters: readonly string[];
  readonly seconds: number;
  readonly terminal: Terminal;
  /** @returns whether the command shall go on. */
  onMessage(message: IPublishPacket): boolean;
  /** Called when the service has granted the filters. A failure ends the command. */
  onGranted?(): Promise<void>;
}

interface Observer {
  readonly clientId: string;
  readonly password: string;
}

/**
 * Shows messages with an operator's temporary session, which ends with the command: after
 * `seconds`, at Ctrl-C, or when `onMessage` has enough.
 */
export async function observe(options: ObserveOptions): Promise<void> {
  const { api, url, tenant, filters, seconds, terminal, onMessage, onGranted } = options;
  const observer = (await api.call('POST', `/${tenant}/observers`, {
    filters,
    seconds: Math.min(seconds + spareSeconds, defaultSettings.maxObserverSeconds),
  })) as Observer;
  const over = new AbortController();
  const ended = new Promise<void>((resolve) => {
    over.signal.addEventListener('abort', () => resolve());
  });
  const timer = setTimeout(() => over.abort(), seconds * 1_000);
  let isOver = false;
  const subscribed = subscribe({
    ...{ url, tenant, filters, clientId: observer.clientId },
    getToken(reason) {
      if (reason !== 'refused') return observer.password;
      throw new UserError('sub-refused', 'the observer of this command has ended; start the command again');
    },
    qos: 0,
    protocolVersion: 5,
    retained: false,
    retainAsPublished: true,
    onMessage(message) {
      if (isOver || onMessage(message)) return;
      isOver = true;
      over.abort();
    },
    onState: (line) => terminal.err(line),
    ...(onGranted === undefined ? {} : { onGranted }),
  });
  try {
    await Promise.race([untilAskedToStop(terminal, over.signal), ended, subscribed.failed]);
  } finally {
    isOver = true;
    clearTimeout(timer);
    over.abort();
    await subscribed.end();
    // It ends by itself, and why the command ends matters more.
    await api.call('DELETE', `/${tenant}/observers/${observer.clientId}`).catch(() => undefined);
  }
}
