import { readFileSync } from 'node:fs';

/** How many files, sockets included, this process may have open; where the system does not say, as many as it likes. */
export function openFiles(): number {
  try {
    const line = readFileSync('/proc/self/limits', 'utf8')
      .split('\n')
      .find((text) => text.startsWith('Max open files'));
    return Number(line?.split(/\s{2,}/)[1]) || Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
