/** Publishes a temperature every few seconds at QoS 1, and obeys commands. Reconnects by itself. */
import mqtt from 'mqtt';
import { createWebsocket } from 'wisp-mqtt-client/node';

const { WISP_URL = 'ws://127.0.0.1:8080/mqtt', WISP_TENANT = 'demo', WISP_TOKEN } = process.env;
const name = process.argv[2] ?? 'sensor-1';

const client = mqtt.connect(WISP_URL, {
  username: WISP_TENANT,
  password: WISP_TOKEN,
  clientId: name,
  protocolVersion: 5,
  clean: false,
  properties: { sessionExpiryInterval: 3600 },
  will: { topic: `sensors/${name}/status`, payload: Buffer.from('lost'), qos: 1, retain: true },
  createWebsocket,
  forceNativeWebSocket: true,
});

let intervalMs = 5_000;
let timer;

function measure() {
  const celsius = Math.round(200 + 20 * Math.random()) / 10;
  client.publish(`sensors/${name}/temperature`, JSON.stringify({ celsius, at: new Date() }), { qos: 1 });
}

client.on('connect', () => {
  console.log('connected');
  client.publish(`sensors/${name}/status`, 'online', { qos: 1, retain: true });
  client.subscribe(`sensors/${name}/interval`, { qos: 1 });
  clearInterval(timer);
  timer = setInterval(measure, intervalMs);
  measure();
});
client.on('message', (_topic, payload) => {
  const milliseconds = Number(payload);
  if (!(milliseconds >= 100)) return;
  intervalMs = milliseconds;
  clearInterval(timer);
  timer = setInterval(measure, intervalMs);
  client.publish(`sensors/${name}/status`, `every ${intervalMs} ms`, { qos: 1, retain: true });
});
client.on('error', (error) => console.error(error.message));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    clearInterval(timer);
    client.publish(`sensors/${name}/status`, 'offline', { qos: 1, retain: true }, () => client.end());
  });
}
