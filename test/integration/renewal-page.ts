/** Runs in Chromium: a page that stays open while its tokens end. The test moves its clock. */
import type { MqttClient } from 'mqtt';
import { connect, type TokenReason } from '../../lib/client/connect.ts';

export interface Job {
  readonly url: string;
  readonly tenant: string;
  readonly protocolVersion: 4 | 5;
  readonly nowMs: number;
}

export interface Report {
  readonly sent: readonly string[];
  readonly received: readonly string[];
  readonly closes: number;
  readonly errors: readonly string[];
}

/** The test answers. */
const { mintToken } = globalThis as unknown as { mintToken(reason: TokenReason): Promise<string> };

let nowMs = 0;
const timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();
const clock = {
  now: () => nowMs,
  setTimeout(callback: () => void, ms: number) {
    const timer = { dueMs: nowMs + ms, callback };
    timers.add(timer);
    return timer;
  },
  clearTimeout: (timer: unknown) => void timers.delete(timer as never),
};

const sent: string[] = [];
const received: string[] = [];
const errors: string[] = [];
let closes = 0;
let client: MqttClient;
/** Ends the wait for a token that works. */
let renewed: () => void = () => {};
let renewal: Promise<void> = Promise.resolve();

async function start(job: Job): Promise<void> {
  ({ nowMs } = job);
  const { url, tenant, protocolVersion } = job;
  client = connect(url, {
    tenant,
    protocolVersion,
    clientId: `page-${protocolVersion}`,
    ...(protocolVersion === 4 ? { clean: false } : {}),
    keepalive: 0,
    clock,
    random: () => 0,
    getToken(reason) {
      renewal = new Promise((resolve) => {
        renewed = resolve;
      });
      return mintToken(reason);
    },
  });
  client.on('connect', () => renewed());
  client.on('packetreceive', ({ cmd }) => {
    if (cmd === 'auth') renewed();
  });
  client.on('close', () => {
    closes += 1;
  });
  client.on('error', ({ message }) => errors.push(message));
  client.on('message', (_topic, payload) => received.push(payload.toString()));
  await client.subscribeAsync(`page/${protocolVersion}`, { qos: 1 });
}

/** Lets time pass, waits until the token is valid again, and uses the connection. */
async function pass(seconds: number): Promise<void> {
  nowMs += seconds * 1_000;
  for (const timer of [...timers]) {
    if (timer.dueMs > nowMs || !timers.delete(timer)) continue;
    timer.callback();
  }
  // A token is asked for in a later microtask.
  await new Promise((resolve) => setTimeout(resolve));
  await renewal;
  const text = `${sent.length}`;
  sent.push(text);
  await client.publishAsync(`page/${client.options.protocolVersion}`, text, { qos: 1 });
}

async function finish(): Promise<Report> {
  while (received.length < sent.length) await new Promise((resolve) => client.once('message', resolve));
  const report = { sent, received, closes, errors };
  await client.endAsync();
  return report;
}

Object.assign(globalThis, { renewalPage: { start, pass, finish } });
