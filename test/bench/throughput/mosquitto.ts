import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Starts Mosquitto on a free port of loopback, without persistence. */
export async function startMosquitto(path: string, transport: 'tcp' | 'ws') {
  const directory = await mkdtemp(join(tmpdir(), 'wisp-bench-'));
  const port = await freePort();
  // Mosquitto 2.0.11 of Debian exits if all its listeners are WebSocket listeners.
  const spare = transport === 'ws' ? [`listener ${await freePort()} 127.0.0.1`] : [];
  const config = join(directory, 'mosquitto.conf');
  const protocol = transport === 'ws' ? 'websockets' : 'mqtt';
  await writeFile(
    config,
    [
      'allow_anonymous true',
      'persistence false',
      'set_tcp_nodelay true',
      'max_inflight_messages 0',
      'max_queued_messages 0',
      'log_dest none',
      ...spare,
      `listener ${port} 127.0.0.1`,
      `protocol ${protocol}`,
      '',
    ].join('\n'),
  );
  const child = spawn(path, ['-c', config], { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  for (let attempt = 0; !(await answers(port)); attempt += 1) {
    if (attempt === 50 || child.exitCode !== null) {
      await stop();
      throw new Error(`mosquitto does not start with transport ${transport}`);
    }
    await pause(100);
  }
  return { port, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
