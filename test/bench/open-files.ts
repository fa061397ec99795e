import { readFileSync } from 'node:fs';

/**
 * Returns how many files and sockets this process may open. Without `/proc` the limit is unknown
 * and infinity is returned.
 */
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
