import { disconnectPacket, reasonCode, refusingConnack } from '../listeners/answers.ts';
import type { ClientSide, Session } from '../listeners/client-server.ts';
import { type ConnectHeader, readConnectHeader } from '../listeners/connect-header.ts';
import { isAccepting, reasonCodeOfStatus, serverKeepAlive } from './connack.ts';
import type { BridgeRefusal, BridgeReport } from './options.ts';
import { watchSilence } from './silence.ts';
import type { Upstream } from './upstream.ts';

/**
 * Reading from a client stops above this many unconfirmed bytes. It must exceed the largest packet,
 * which is 128 KiB.
 */
const pauseBytes = 256 * 1024;
const resumeBytes = 128 * 1024;

/** First bytes of packets of the server. */
const connackByte = 0x20;
const disconnectByte = 0xe0;

const noConnect: Pick<ConnectHeader, 'protocolLevel' | 'keepAliveSeconds'> = {
  protocolLevel: 0,
  keepAliveSeconds: 0,
};

/**
 * Forwards bytes in both directions between a client and its upstream connection. When one side
 * closes, the other is closed too. Upstream closes without DISCONNECT unless the client sent one,
 * so that the server publishes the Will.
 *
 * The keep-alive is the bridge's: the adapter answers PINGREQ and tells the server a keep-alive of
 * 0, and the session ends a client that is silent. In CONNACK of 5.0 the server names its own
 * keep-alive for 0; the client gets the one that it asked for instead. If it asked for none, the
 * server's holds.
 *
 * [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3, MQTT-3.12.4-1 v3+v5]
 */
export function startSession(client: ClientSide, upstream: Upstream, report: BridgeReport): Session {
  const { socket, terminate } = upstream;
  let begun: Uint8Array = new Uint8Array();
  let header: typeof noConnect | undefined;
  let isPaused = false;
  let isAccepted = false;
  /** Whether the client has the last packet that it will get. */
  let isTold = false;
  let isEnding = false;
  let failure: string | undefined;

  const silence = watchSilence(
    () => !isPaused,
    () => {
      report('keep-alive-timeout');
      end(reasonCode.keepAliveTimeout);
    },
  );
  /** Tells the client why, as far as its version can be told [MQTT-3.14.0-1 v5]. */
  const tell = (code: number) => {
    if (isTold || header === undefined) return;
    isTold = true;
    if (!isAccepted) client.write(refusingConnack(header.protocolLevel, code));
    else if (header.protocolLevel === 5) client.write(disconnectPacket(code));
  };
  const end = (code: number) => {
    isEnding = true;
    tell(code);
    client.end(1001);
    socket.close();
  };
  const closed = new Promise<void>((resolve) => {
    socket.onclose = ({ code = 1006, reason = '' }) => {
      silence.stop();
      const refusal = upstream.refusal();
      const [event, answer] = whyClosed(code, reason, refusal !== undefined || !isOpen, isEnding);
      const details = event === 'upstream-refused' && failure !== undefined ? { error: failure } : { code };
      report(event, refusal ?? details);
      if (event !== 'closed') tell(refusal === undefined ? answer : reasonCodeOfStatus(refusal.code));
      client.end(code);
      resolve();
    };
  });
  let isOpen = socket.readyState === socket.OPEN;
  socket.onopen = () => {
    isOpen = true;
  };
  socket.onerror = ({ message }) => {
    failure = message;
  };
  socket.onmessage = ({ data }) => {
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes[0] === connackByte && !isAccepted) {
      isAccepted = isAccepting(bytes);
      isTold = !isAccepted;
      if (header?.protocolLevel === 5) settleKeepAlive(bytes, header.keepAliveSeconds);
    }
    if (bytes[0] === disconnectByte) isTold = true;
    client.write(bytes);
  };
  /** The value has the same length, so CONNACK is changed in place. */
  const settleKeepAlive = (connack: Uint8Array, askedSeconds: number) => {
    const value = serverKeepAlive(connack);
    if (value === undefined) return;
    if (askedSeconds === 0) silence.watch(value.getUint16(0));
    else value.setUint16(0, askedSeconds);
  };
  const readHeader = (bytes: Uint8Array) => {
    begun = Buffer.concat([begun, bytes]);
    const read = readConnectHeader(begun);
    if (read === 'incomplete') return;
    begun = new Uint8Array();
    // The broker judges what is no CONNECT. It has no version, so the answer is that of 3.1.1.
    header = typeof read === 'object' ? read : noConnect;
    silence.watch(header.keepAliveSeconds);
  };
  socket.addEventListener('drain', () => {
    if (!isPaused || socket.bufferedAmount > resumeBytes) return;
    isPaused = false;
    silence.heard();
    client.resume();
  });
  return {
    closed,
    receive(bytes) {
      if (header === undefined) readHeader(bytes);
      const { packetsWritten } = socket;
      socket.send(bytes);
      if (socket.packetsWritten > packetsWritten) silence.heard();
      if (isPaused || socket.bufferedAmount <= pauseBytes) return;
      isPaused = true;
      client.pause();
    },
    clientClosed() {
      isEnding = true;
      silence.stop();
      socket.close();
    },
    close() {
      end(reasonCode.serverShuttingDown);
      return closed;
    },
    terminate() {
      client.destroy();
      terminate();
    },
  };
}

/** @returns the event to log, and the reason code for the client. */
function whyClosed(
  code: number,
  reason: string,
  wasRefused: boolean,
  isEnding: boolean,
): [BridgeRefusal | 'closed', number] {
  if (reason === 'packet-too-large') return [reason, reasonCode.packetTooLarge];
  if (reason === 'bad-length') return [reason, reasonCode.malformedPacket];
  if (isEnding) return ['closed', 0];
  if (wasRefused) return ['upstream-refused', reasonCode.serverUnavailable];
  // 4000 to 4002: the adapter gave up; 1006: the connection broke.
  if (code >= 4000 || code === 1006 || code === 1011) return ['upstream-lost', reasonCode.serverBusy];
  return ['closed', 0];
}
