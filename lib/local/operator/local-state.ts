import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * `local/PID.json` in Wisp's home: tells other processes of this user where a local service is.
 * Each service of the user has its own file.
 */
export interface LocalState {
  readonly formatVersion: 1;
  /** Process id of the service. */
  readonly pid: number;
  /** URL of its DynamoDB API, for example `http://127.0.0.1:41234`. */
  readonly endpoint: string;
  readonly tables: { readonly tenants: string } & Readonly<Record<string, string>>;
  /** URL of the gateway, for clients of the wire profile. */
  readonly webSocketUrl: string;
  /** URL of the admin API. */
  readonly adminUrl?: string;
  /** Port of the bridge for stock MQTT over TCP. */
  readonly mqttPort?: number;
}

export function localStateDirectory(home: string): string {
  return join(home, 'local');
}

function localStatePath(home: string, pid: number): string {
  return join(localStateDirectory(home), `${pid}.json`);
}

/** Writes the file of a service atomically. */
export async function writeLocalState(home: string, state: LocalState): Promise<void> {
  const path = localStatePath(home, state.pid);
  await mkdir(localStateDirectory(home), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}

export async function removeLocalState(home: string, pid: number): Promise<void> {
  await rm(localStatePath(home, pid), { force: true });
}

/**
 * The services that run, in the order of their process ids. Removes the files of processes that
 * have ended without doing so. A process that has got the id of such a one still counts: its
 * service does not answer.
 */
export async function readLocalStates(home: string): Promise<LocalState[]> {
  const names = await readdir(localStateDirectory(home)).catch(() => []);
  const pids = names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
  const states: LocalState[] = [];
  for (const pid of pids.sort((one, other) => one - other)) {
    if (!isRunning(pid)) await removeLocalState(home, pid);
    else states.push(...(await readState(localStatePath(home, pid))));
  }
  return states;
}

/** Signal 0 tests whether a process exists; EPERM: it is another user's. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Empty if the file is missing or has another format. */
async function readState(path: string): Promise<LocalState[]> {
  try {
    const state = JSON.parse(await readFile(path, 'utf8')) as Partial<LocalState> | null;
    if (state?.formatVersion !== 1) return [];
    const { pid, endpoint, tables, webSocketUrl, mqttPort, adminUrl } = state;
    if (typeof pid !== 'number' || typeof endpoint !== 'string' || typeof webSocketUrl !== 'string')
      return [];
    if (typeof tables?.tenants !== 'string') return [];
    const port = typeof mqttPort === 'number' ? { mqttPort } : {};
    const url = typeof adminUrl === 'string' ? { adminUrl } : {};
    return [{ formatVersion: 1, pid, endpoint, tables, webSocketUrl, ...port, ...url }];
  } catch {
    return [];
  }
}
