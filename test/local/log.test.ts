import { expect, it } from 'vitest';
import { bridgeLog, createLocalLog } from '../../lib/local/log.ts';

it("keeps the code of a refusal beside the status of the client's handshake", () => {
  const lines: string[] = [];
  const log = createLocalLog('info', (line) => lines.push(line));
  const bridge = bridgeLog(log);
  bridge.log({ event: 'handshake-refused', transport: 'websocket', address: '192.0.2.7', code: 401 });
  bridge.log({ event: 'connect-late', transport: 'tcp' });
  const [refused, late] = lines.map((line): unknown => JSON.parse(line));
  expect(refused).toMatchObject({ message: 'bridge', code: 'handshake-refused', status: 401 });
  expect(late).not.toHaveProperty('status');
});
