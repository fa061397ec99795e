import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { requireTool } from '../support/tools.ts';

/** How mosquitto_pub and mosquitto_sub connect, as a user would run them. */
export interface MosquittoTarget {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** `mqttv31`, `mqttv311` or `mqttv5`. */
  readonly version: string;
}

export interface Finished {
  /** Exit code. */
  readonly code: number;
  readonly stderr: string;
}

/** Runs mosquitto_pub to its end. */
export async function mosquittoPub(target: MosquittoTarget, args: readonly string[]): Promise<Finished> {
  const child = spawn(requireTool('mosquitto_pub'), [...connectionOptions(target), ...args]);
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr };
}

/**
 * Starts mosquitto_sub and resolves when the server has stored its subscription to `topic`/#.
 * mosquitto_sub buffers its log of SUBACK until the buffer is full, but writes each message at
 * once. So this publishes a retained message first, and waits until the subscriber has received it.
 *
 * @returns the lines `topic payload` of the next `count` messages, when all have arrived.
 */
export async function startMosquittoSub(
  target: MosquittoTarget,
  { topic, qos, count }: { readonly topic: string; readonly qos: number; readonly count: number },
): Promise<{ lines(): Promise<string[]> }> {
  const ready = `${topic}/ready`;
  const { stderr } = await mosquittoPub(target, ['-t', ready, '-m', 'ready', '-r', '-q', '1']);
  if (stderr !== '') throw new Error(`mosquitto_pub: ${stderr}`);
  const lines = readMessages(target, [
    ...['-t', `${topic}/#`, '-q', String(qos)],
    ...['-C', String(count + 1)],
  ]);
  const { value } = await lines.next();
  if (value !== `${ready} ready`) throw new Error(`mosquitto_sub printed ${value}`);
  return {
    async lines() {
      const rest: string[] = [];
      for await (const line of lines) rest.push(line);
      return rest;
    },
  };
}

/** Runs mosquitto_sub to its end. @returns its lines `topic payload`. */
export async function mosquittoSub(target: MosquittoTarget, args: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readMessages(target, args)) lines.push(line);
  return lines;
}

async function* readMessages(target: MosquittoTarget, args: readonly string[]): AsyncGenerator<string> {
  const child = spawn(requireTool('mosquitto_sub'), [...connectionOptions(target), '-v', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  yield* createInterface({ input: child.stdout });
}

function connectionOptions({ port, username, password, version }: MosquittoTarget): string[] {
  return ['-h', '127.0.0.1', '-p', String(port), '-u', username, '-P', password, '-V', version];
}
