import { parseArgs } from 'node:util';
import { escapeControls } from '../../core/escape-controls.ts';
import { explain } from '../operator/explain.ts';
import { findEmulator } from './emulator.ts';
import { startAttached } from './index.ts';

const usage = `usage: npm run start:attached -- [options]
  --stack NAME           stack at the emulator (default WispDev)
  --port PORT            gateway: the wire profile over WebSocket (default 4567)
  --mqtt-port PORT       bridge: MQTT over TCP (default 1883)
  --ws-port PORT         bridge: binary MQTT over WebSocket (default 8083)
  --host ADDRESS         address to listen on (default 127.0.0.1)
  --callback-url URL     the gateway's URL from inside the functions' containers
  --max-concurrency N    concurrent invocations (default 8)
The emulator is at AWS_ENDPOINT_URL (default http://127.0.0.1:4566).`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stack: { type: 'string', default: 'WispDev' },
      port: { type: 'string', default: '4567' },
      'mqtt-port': { type: 'string', default: '1883' },
      'ws-port': { type: 'string', default: '8083' },
      host: { type: 'string', default: '127.0.0.1' },
      'callback-url': { type: 'string' },
      'max-concurrency': { type: 'string', default: '8' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(usage);
  const { stack, host, 'callback-url': callbackUrl } = values;
  const emulator = await findEmulator();
  const attached = await startAttached({
    emulator,
    stackName: stack,
    host,
    port: number('--port', values.port, 0),
    mqttPort: number('--mqtt-port', values['mqtt-port'], 0),
    wsPort: number('--ws-port', values['ws-port'], 0),
    maxConcurrentInvocations: number('--max-concurrency', values['max-concurrency'], 1),
    log: (line) => console.error(escapeControls(JSON.stringify({ time: new Date().toISOString(), ...line }))),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
  });
  const { gateway, bridge } = attached;
  const target = `--stack ${stack} --endpoint ${emulator.endpoint}`;
  console.log(`Attached to stack ${stack} at ${emulator.endpoint} (${emulator.kind}). Ctrl-C stops it.

  gateway (wire profile)   ${gateway.url}
  MQTT over TCP            mqtt://${host}:${bridge?.mqttPort}
  MQTT over WebSocket      ws://${host}:${bridge?.wsPort}/mqtt

  npx wisp tenant create acme ${target}
  npx wisp token acme ${target}`);
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, resolve);
  });
  console.error(`${signal}: closing`);
  await attached.close();
}

function number(flag: string, text: string, min: number): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value < min || value > 65_535)
    throw new TypeError(`${flag}: a number from ${min} to 65535`);
  return value;
}

// Hides the SDK's note on the end of its support for Node 20 in 2027.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
await main().catch((error: unknown) => {
  console.error(`start:attached: ${explain(error).message}`);
  process.exitCode = 1;
});
