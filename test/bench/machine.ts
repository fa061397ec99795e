import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** Machine, time and commit of a measurement. */
export interface Machine {
  readonly measuredAt: string;
  readonly node: string;
  readonly processors: string;
  readonly memoryGigabytes: number;
  /** Short id of the commit, with `+` if the work tree has changes. Absent outside of a clone. */
  readonly commit?: string;
  readonly quick: boolean;
}

export function machine(quick: boolean): Machine {
  const all = cpus();
  const commit = commitId();
  return {
    measuredAt: new Date().toISOString(),
    node: process.version,
    processors: `${all.length} × ${all[0]?.model.trim() || process.arch}`,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    ...(commit === undefined ? {} : { commit }),
    quick,
  };
}

function commitId(): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '+');
  } catch {
    return undefined;
  }
}
