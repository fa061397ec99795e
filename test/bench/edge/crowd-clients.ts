/** Child process with many idle clients, MQTT 5.0 over TCP or TLS, some of them with a Will. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { generate } from 'mqtt-packet';
import { serve } from '../process.ts';

export interface Crowd {
  readonly port: number;
  readonly isTls: boolean;
  readonly username: string;
  readonly password: string;
  /** Client ids are `crowd-NUMBER`, from this number on. */
  readonly first: number;
  readonly count: number;
  /** Clients with lower numbers have a Will, to `will/NUMBER`. */
  readonly wills: number;
}

const concurrentConnects = 32;
const sockets: Socket[] = [];

const offered = {
  /** Resolves when all have their CONNACK. */
  async join(crowd: Crowd): Promise<{ ms: number }> {
    const startedAtMs = performance.now();
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < crowd.count) {
        next += 1;
        await joinOne(crowd, crowd.first + next - 1);
      }
    };
    await Promise.all(Array.from({ length: concurrentConnects }, work));
    return { ms: performance.now() - startedAtMs };
  },
  async open(_: undefined): Promise<number> {
    return sockets.filter(({ destroyed }) => !destroyed).length;
  },
};
export type CrowdClients = typeof offered;

async function joinOne({ port, isTls, username, password, wills }: Crowd, index: number): Promise<void> {
  const socket = isTls
    ? connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    : connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  sockets.push(socket);
  await once(socket, isTls ? 'secureConnect' : 'connect');
  socket.write(
    generate(
      {
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 5,
        clientId: `crowd-${index}`,
        clean: true,
        keepalive: 0,
        username,
        password: Buffer.from(password),
        properties: { sessionExpiryInterval: 3_600 },
        ...(index < wills && {
          will: { topic: `will/${index}`, payload: Buffer.from('lost'), qos: 1, retain: false },
        }),
      },
      { protocolVersion: 5 },
    ),
  );
  const [reply] = (await once(socket, 'data')) as [Buffer];
  // CONNACK, with reason code 0.
  if (reply[0] !== 0x20 || reply[3] !== 0) throw new Error(`refused: ${reply.toString('hex')}`);
  // What follows is nothing but keeps the socket read.
  socket.resume();
}

serve(offered);
