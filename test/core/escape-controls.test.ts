import { expect, test } from 'vitest';
import { escapeControls } from '../../lib/core/escape-controls.ts';

test('a line cannot move the cursor or change how it reads, and is still the same JSON', () => {
  const entry = { clientId: 'a\u009b2J\u202eb\u2066c', text: 'línea – ✓' };
  const line = escapeControls(JSON.stringify(entry));
  expect(line).toBe(String.raw`{"clientId":"a\u009b2J\u202eb\u2066c","text":"línea – ✓"}`);
  expect(JSON.parse(line)).toEqual(entry);
});
