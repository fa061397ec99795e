/** Runs in Chromium: an application under StrictMode whose parts the test shows and hides. */
import type { MqttClient } from 'mqtt';
import { createElement, type ReactElement, StrictMode } from 'react';
import { flushSync } from 'react-dom';
import { createRoot, type Root } from 'react-dom/client';
import { connect } from '../../lib/client/connect.ts';
import {
  type Publish,
  type Qos,
  useMessages,
  usePublish,
  useRetained,
  WispProvider,
} from '../../lib/client/react.ts';

export interface Part {
  readonly kind: 'list' | 'callback' | 'retained';
  readonly id: string;
  readonly filter: string;
  readonly qos?: Qos;
}

export interface Job {
  readonly url: string;
  readonly tenant: string;
  readonly token: string;
  readonly sessionExpirySeconds: number;
}

/** This project's types know no browser. */
const { document } = globalThis as unknown as {
  document: { createElement(name: string): Element; body: { appendChild(child: Element): Element } };
};
const errors: string[] = [];
const heard: Record<string, string[]> = {};
const publishes = new Set<Publish>();
let client: MqttClient;
let root: Root;

function List({ id, filter, qos = 0 }: Part): ReactElement {
  const messages = useMessages(filter, { qos, maxMessages: 3 });
  return createElement('p', { id }, messages.map(({ text }) => text).join(' '));
}

function Callback({ id, filter }: Part): ReactElement {
  useMessages(filter, {
    onMessage({ text }) {
      heard[id] = [...(heard[id] ?? []), text];
    },
  });
  return createElement('p', { id });
}

function Retained({ id, filter }: Part): ReactElement {
  const values = [...useRetained(filter).values()].map(({ topic, text }) => `${topic}=${text}`);
  return createElement('p', { id }, values.sort().join(' '));
}

const kinds = { list: List, callback: Callback, retained: Retained };

function Application({ parts }: { readonly parts: readonly Part[] }): ReactElement {
  publishes.add(usePublish());
  return createElement(
    'main',
    null,
    parts.map((part) => createElement(kinds[part.kind], { key: part.id, ...part })),
  );
}

/** What the test calls. */
const page = {
  async start({ url, tenant, token, sessionExpirySeconds }: Job): Promise<void> {
    client = connect(url, {
      tenant,
      getToken: () => token,
      random: () => 0,
      properties: { sessionExpiryInterval: sessionExpirySeconds },
    });
    client.on('error', ({ message }) => errors.push(message));
    root = createRoot(document.body.appendChild(document.createElement('div')));
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  },
  show(parts: readonly Part[], renders = 1): void {
    for (let count = 0; count < renders; count++)
      flushSync(() =>
        root.render(
          createElement(
            StrictMode,
            null,
            createElement(WispProvider, { client }, createElement(Application, { parts })),
          ),
        ),
      );
  },
  async publish(topic: string, text: string, retain = false): Promise<void> {
    const [publish] = publishes;
    await publish?.(topic, text, { qos: 1, retain });
  },
  async reconnect(): Promise<void> {
    const connected = new Promise<void>((resolve) => client.once('connect', () => resolve()));
    client.stream.destroy();
    await connected;
  },
  /** Cuts the connection in the task that shows the parts: their SUBSCRIBE is lost. */
  async showWhileCut(parts: readonly Part[]): Promise<void> {
    const connected = new Promise<void>((resolve) => client.once('connect', () => resolve()));
    this.show(parts);
    await Promise.resolve();
    client.stream.destroy();
    await connected;
  },
  seen: () => ({ errors, heard, publishFunctions: publishes.size }),
};

export type ReactPage = typeof page;
Object.assign(globalThis, { wispPage: page });
