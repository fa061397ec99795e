import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** `local.json` in Wisp's home: tells other processes of this user where the local service is. */
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

export function localStatePath(home: string): string {
  return join(home, 'local.json');
}

/** Replaces the file atomically. The service that starts last owns it. */
export async function writeLocalState(home: string, state: LocalState): Promise<void> {
  const path = localStatePath(home);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}

/** Removes the file if process `pid` still owns it. */
export async function removeLocalState(home: string, pid: number): Promise<void> {
  const state = await readLocalState(home);
  if (state?.pid === pid) await rm(localStatePath(home), { force: true });
}

/** Undefined if the file is missing or has another format. */
export async function readLocalState(home: string): Promise<LocalState | undefined> {
  try {
    const state = JSON.parse(await readFile(localStatePath(home), 'utf8')) as Partial<LocalState> | null;
    if (state?.formatVersion !== 1) return undefined;
    const { pid, endpoint, tables, webSocketUrl, mqttPort, adminUrl } = state;
    if (typeof pid !== 'number' || typeof endpoint !== 'string' || typeof webSocketUrl !== 'string') {
      return undefined;
    }
    if (typeof tables?.tenants !== 'string') return undefined;
    const port = typeof mqttPort === 'number' ? { mqttPort } : {};
    const url = typeof adminUrl === 'string' ? { adminUrl } : {};
    return { formatVersion: 1, pid, endpoint, tables, webSocketUrl, ...port, ...url };
  } catch {
    return undefined;
  }
}
