import { expect, test } from 'vitest';
import { createLocalLog } from '../../lib/local/log.ts';

test('a line cannot move the cursor or change how it reads, and is still JSON', () => {
  const lines: string[] = [];
  createLocalLog('info', (line) => lines.push(line)).info('connected', { clientId: 'a\u009b2J\u202eb' });
  expect(lines[0]).toContain(String.raw`"clientId":"a\u009b2J\u202eb"`);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ clientId: 'a\u009b2J\u202eb' });
});
