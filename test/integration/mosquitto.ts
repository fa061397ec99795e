import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Debian's package mosquitto-clients, as a user would run it. */
export interface MosquittoTarget {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** `mqttv31`, `mqttv311` or `mqttv5`. */
  readonly version: string;
}

function common({ port, username, password, version }: MosquittoTarget): string[] {
  return ['-h', '127.0.0.1', '-p', String(port), '-u', username, '-P', password, '-V', version];
}

/** Runs mosquitto_pub to its end. */
export async function mosquittoPub(
  target: MosquittoTarget,
  args: readonly string[],
): Promise<{ code: number; stderr: string }> {
  const child = spawn('mosquitto_pub', [...common(target), ...args]);
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr };
}

export interface MosquittoSub {
  /** Resolves when the broker has granted the subscription; rejects when the process ends before. */
  subscribed(): Promise<void>;
  /** Lines `topic payload`, when it has ended after the number of messages it was told. */
  lines(): Promise<string[]>;
  stop(): void;
}

/** Starts mosquitto_sub; `args` should hold `-C` with the number of messages to wait for. */
export function mosquittoSub(target: MosquittoTarget, args: readonly string[]): MosquittoSub {
  // stdbuf: its debug lines, one of which tells of SUBACK, are held back when stdout is no terminal.
  const child: ChildProcess = spawn('stdbuf', [
    '-oL',
    'mosquitto_sub',
    ...common(target),
    '-v',
    '-d',
    ...args,
  ]);
  const seen: string[] = [];
  const isGranted = () => seen.some((line) => line.startsWith('Subscribed'));
  if (child.stdout === null) throw new Error('no stdout');
  const ended = once(child, 'close');
  createInterface(child.stdout).on('line', (line) => {
    seen.push(line);
    child.emit('line');
  });
  return {
    async subscribed() {
      while (!isGranted()) {
        if (child.exitCode !== null) throw new Error(`mosquitto_sub ended: ${seen.join(' | ')}`);
        await Promise.race([once(child, 'line'), ended]);
      }
    },
    async lines() {
      await ended;
      return seen.filter((line) => !/^(Client |Subscribed)/.test(line));
    },
    stop: () => child.kill(),
  };
}
