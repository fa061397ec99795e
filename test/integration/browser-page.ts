/** Runs in Chromium: connects MQTT.js through the adapter and returns what it received. */
import mqtt from 'mqtt';
import { createWebsocket } from '../../lib/client/index.ts';

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

(globalThis as unknown as { wispTest: typeof run }).wispTest = run;
