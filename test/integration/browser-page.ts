/** Runs in Chromium: MQTT.js through the adapter, and Paho JS kept connected. */
import mqtt from 'mqtt';
// @ts-expect-error: the package has no types
import Paho from 'paho-mqtt';
import { createWebsocket } from '../../lib/client/index.ts';
import { connectPaho } from '../../lib/client/paho.ts';

interface Job {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly messages: number;
  readonly largeBytes: number;
}

async function run(job: Job): Promise<{ texts: string[]; largeBytes: number }> {
  const client = mqtt.connect(job.url, {
    username: job.username,
    password: job.password,
    protocolVersion: 5,
    createWebsocket: createWebsocket as never,
    reconnectPeriod: 0,
  });
  const texts: string[] = [];
  let largeBytes = 0;
  const done = new Promise<void>((resolve, reject) => {
    client.on('error', reject);
    client.on('message', (topic, payload) => {
      if (topic.endsWith('/large')) largeBytes = payload.length;
      else texts.push(payload.toString());
      if (texts.length === job.messages && largeBytes > 0) resolve();
    });
  });
  await client.subscribeAsync('browser/#', { qos: 1 });
  for (let index = 0; index < job.messages; index += 1)
    client.publish('browser/small', `${index}`, { qos: 1 });
  client.publish('browser/large', new Uint8Array(job.largeBytes) as never, { qos: 1 });
  await done;
  await client.endAsync();
  return { texts, largeBytes };
}

/** Publishes one message to itself on each connection, until the third renewal. */
async function runPaho(url: string): Promise<object> {
  const { shortToken } = globalThis as unknown as { shortToken(): Promise<string> };
  const reasons: string[] = [];
  const sessions: boolean[] = [];
  const received: string[] = [];
  const errors: string[] = [];
  const client = new Paho.Client(url, 'page');
  const send = () => client.send('echo', String(sessions.length - 1), 1);
  await new Promise<void>((resolve) => {
    client.onMessageArrived = ({ payloadString }: { payloadString: string }) => {
      if (received.push(payloadString) === 4) resolve();
    };
    connectPaho(client, {
      tenant: 'paho',
      getToken(reason) {
        reasons.push(reason);
        return shortToken();
      },
      onSuccess({ sessionPresent }) {
        sessions.push(sessionPresent);
        if (sessionPresent) send();
        else client.subscribe('echo', { qos: 1, onSuccess: send });
      },
      onError: ({ message }) => errors.push(message),
    });
  });
  client.disconnect();
  return { reasons, sessions, received, errors };
}

Object.assign(globalThis, { wispTest: run, wispPaho: runPaho });
