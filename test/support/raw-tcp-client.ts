import { once } from 'node:events';
import { connect } from 'node:net';
import { splitPackets } from '../../lib/wire/index.ts';
import { bytesOf, type Closed, type Got, type RawClient, readPackets, type Version } from './raw-client.ts';

/** Over TCP nobody tells a close code. */
const closedByServer: Closed = { code: 1000, reason: '' };
const pingreq = Uint8Array.of(0xc0, 0);

/**
 * Like `openRaw`, over TCP. Packets that only a push can be count as pushes: PUBLISH, DISCONNECT,
 * and a CONNACK that refuses. A PINGREQ behind the packets of an exchange shows where their answers
 * end.
 */
export async function openRawTcp(port: number, version: Version = 5): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  socket.on('error', () => {});
  const pushedBytes: Uint8Array[] = [];
  let rest = new Uint8Array();
  let replies: Got[] = [];
  let pushes: Got[] = [];
  /** Since the last exchange, in order: on another transport the last push carries them. */
  let all: Got[] = [];
  let isClosed = false;
  let wake = (): void => {};
  socket.on('data', (data) => {
    const split = splitPackets(Buffer.concat([rest, data]));
    rest = Uint8Array.from(split.rest);
    for (const { packet, raw } of split.packets.flatMap((bytes) => readPackets(bytes, version))) {
      all.push(packet);
      if (!isPush(packet)) replies.push(packet);
      else {
        pushes.push(packet);
        pushedBytes.push(raw);
      }
    }
    wake();
  });
  const closed = new Promise<Closed>((resolve) => {
    socket.on('close', () => {
      isClosed = true;
      resolve(closedByServer);
      wake();
    });
  });
  const changed = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const takePushes = (): Got[] => pushes.splice(0);
  const takeAll = (): Got[] => {
    pushes = [];
    return all.splice(0).filter(({ cmd }) => cmd !== 'pingresp');
  };

  const exchange: RawClient['exchange'] = async (...sent) => {
    const packets = sent.map((one) => bytesOf(one, version));
    const pings = packets.filter(([first]) => first === pingreq[0]).length + 1;
    socket.write(Buffer.concat([...packets, pingreq]));
    while (!isClosed && replies.filter(({ cmd }) => cmd === 'pingresp').length < pings) await changed();
    if (isClosed) return { replies: [], pushes: takeAll(), closed: closedByServer };
    const taken = replies;
    replies = [];
    all = [];
    return { replies: taken.slice(0, -1), pushes: takePushes() };
  };

  return {
    version,
    exchange,
    exchangeText: () => Promise.reject(new Error('texts exist in the wire profile alone')),
    async send(...sent) {
      const { replies: answers, pushes: others, closed: end } = await exchange(...sent);
      pushes.unshift(...others);
      if (end !== undefined) throw new Error(`The server closed: ${JSON.stringify(others)}`);
      return answers;
    },
    sendMessage: (data) => socket.write(data),
    async settle() {
      const { pushes: pushed, closed: end } = await exchange();
      if (end !== undefined) throw new Error(`The server closed: ${JSON.stringify(pushed)}`);
      return pushed;
    },
    async take(count) {
      while (pushes.length < count) {
        if (isClosed) throw new Error(`Closed with ${pushes.length} of ${count} packets`);
        await changed();
      }
      return takePushes();
    },
    pushedBytes,
    texts: [],
    closed,
    get isClosed() {
      return isClosed;
    },
    close() {
      socket.destroy();
      return closed;
    },
  };
}

function isPush({ cmd, returnCode, reasonCode }: Got): boolean {
  if (cmd === 'connack') return (returnCode ?? reasonCode ?? 0) !== 0;
  return cmd === 'publish' || cmd === 'disconnect';
}
