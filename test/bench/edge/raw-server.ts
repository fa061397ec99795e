/**
 * A server of sockets and nothing else: it answers what comes first with CONNACK. What its sockets
 * take is the least that an edge can take. The argument is `tls` or `tcp`.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { cert, key } from '../../support/certificate.ts';

const connack = Buffer.from('2003000000', 'hex');
const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

function answer(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', () => socket.write(connack));
}

const server =
  process.argv[2] === 'tls'
    ? createTlsServer({ ...options, cert, key }, answer)
    : createServer(options, answer);
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
