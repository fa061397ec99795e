import { signal } from '@preact/signals';
import { server } from './call.ts';

const remedies = signal<Readonly<Record<string, string>>>({
  'console-gone': 'Check that "wisp start" or "wisp console" still runs, then try again.',
});
let asked = false;

/** What to do about a code, from the service's catalogue, which is loaded when first needed. */
export function remedyOf(code: string): string | undefined {
  if (!asked && remedies.peek()[code] === undefined) {
    asked = true;
    server<Readonly<Record<string, string>>>('GET', '/reasons').then(
      (loaded) => {
        remedies.value = { ...loaded, ...remedies.peek() };
      },
      () => {},
    );
  }
  return remedies.value[code];
}
