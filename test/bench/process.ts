import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Functions that a process of the benchmark offers. Argument and result are plain data. */
export type Offer = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

export interface Child<Offered extends Offer> {
  readonly pid: number;
  call<Name extends keyof Offered & string>(
    name: Name,
    argument: Parameters<Offered[Name]>[0],
  ): Promise<Awaited<ReturnType<Offered[Name]>>>;
  /** Ends the process and waits for its exit. */
  stop(): Promise<void>;
}

interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/**
 * Runs a module of this folder, or a bundle by its path, in a child process. Its output goes to
 * stderr.
 */
export function startChild<Offered extends Offer>(
  path: string,
  options: { readonly heapMegabytes?: number; readonly args?: readonly string[] } = {},
): Child<Offered> {
  const { heapMegabytes, args = [] } = options;
  const child = fork(fileURLToPath(new URL(path, import.meta.url)), args, {
    execArgv: [
      ...(path.endsWith('.mjs') ? [] : ['--import', 'tsx']),
      '--expose-gc',
      ...(heapMegabytes === undefined ? [] : [`--max-old-space-size=${heapMegabytes}`]),
    ],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'advanced',
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let requests = 0;
  let ended: string | undefined;
  child.on('message', (message) => {
    const { id, value, error } = message as Answer;
    const asker = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asker?.resolve(value);
    else asker?.reject(new Error(error));
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = `${path} has ended (${signal ?? code})`;
      for (const { reject } of waiting.values()) reject(new Error(ended));
      waiting.clear();
      resolve();
    });
  });
  return {
    pid: child.pid ?? 0,
    call(name, argument) {
      return new Promise((resolve, reject) => {
        if (ended !== undefined) {
          reject(new Error(ended));
          return;
        }
        requests += 1;
        waiting.set(requests, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id: requests, name, argument } satisfies Request);
      });
    },
    async stop() {
      end(child);
      await exited;
    },
  };
}

function end(child: ChildProcess): void {
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  child.once('exit', () => clearTimeout(timer));
}

/** Answers calls of the parent process, and exits with it. */
export function serve(offered: Offer): void {
  process.on('message', (message) => {
    const { id, name, argument } = message as Request;
    answer(offered, name, argument).then(
      (value) => process.send?.({ id, value } satisfies Answer),
      (error: unknown) =>
        process.send?.({
          id,
          error: error instanceof Error ? String(error.stack) : String(error),
        } satisfies Answer),
    );
  });
  process.once('disconnect', () => process.exit(0));
}

async function answer(offered: Offer, name: string, argument: unknown): Promise<unknown> {
  const asked = offered[name];
  if (asked === undefined) throw new Error(`The process offers no function ${name}`);
  return asked(argument as never);
}
