import { resolve } from 'node:path';

/**
 * The `--lambda` of a rule: an ARN as it is; for the local service the path of a module, absolute,
 * since the service runs in a directory of its own.
 */
export function modulePathOf(given: string, isLocal: boolean, workingDirectory: string): string {
  return !isLocal || given.startsWith('arn:') ? given : resolve(workingDirectory, given);
}
