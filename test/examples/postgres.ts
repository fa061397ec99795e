import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { requireTool } from '../support/tools.ts';

export interface Postgres {
  /** What clients need to connect. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs SQL with psql: rows as lines, columns separated by `|`. */
  query(sql: string): string;
  stop(): Promise<void>;
}

/** Starts a PostgreSQL of its own that listens on a Unix socket in a temporary directory. */
export async function startPostgres(): Promise<Postgres> {
  const programs = dirname(requireTool('postgres'));
  const directory = mkdtempSync(join(tmpdir(), 'wisp-pg-'));
  const data = join(directory, 'data');
  const user = daemonUser();
  if (user) chownSync(directory, user.uid, user.gid);
  const options = { ...user, cwd: directory, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } };
  const initdb = ['-D', data, '-U', 'wisp', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
  execFileSync(join(programs, 'initdb'), initdb, { ...options, stdio: 'pipe' });
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-k', directory, '-c', 'listen_addresses=', '-c', 'fsync=off'],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(server, 'exit');
  await ready(server.stderr);
  const env = { PGHOST: directory, PGPORT: '5432', PGUSER: 'wisp', PGDATABASE: 'postgres' };
  return {
    env,
    query: (sql) =>
      execFileSync(join(programs, 'psql'), ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-c', sql], {
        env: { ...process.env, ...env, PGCLIENTENCODING: 'UTF8' },
        encoding: 'utf8',
      }).trim(),
    stop: async () => {
      // Fast shutdown: it ends the connections of clients.
      server.kill('SIGINT');
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

/** PostgreSQL refuses to run as root: then it runs as the user of Debian's package. */
function daemonUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** @throws Error with what the server wrote, if it ends before it is ready. */
async function ready(log: NodeJS.ReadableStream): Promise<void> {
  const lines: string[] = [];
  const reader = createInterface({ input: log });
  await new Promise<void>((resolve, reject) => {
    // The log is read to its end, so that its pipe never fills.
    reader.on('line', (line) => {
      lines.push(line);
      if (line.endsWith('database system is ready to accept connections')) resolve();
    });
    reader.on('close', () => reject(new Error(`PostgreSQL has not started: ${lines.join('\n')}`)));
  });
}
