import type { Admission, HandshakeRefusal } from '../listeners/client-server.ts';
import type { BridgeReport } from './options.ts';
import { startSession } from './session.ts';
import type { Upstream } from './upstream.ts';

/** Admits a client when upstream accepts the handshake that was made for it. */
export function admitUpstream(upstream: Upstream, report: BridgeReport): Admission {
  const { socket } = upstream;
  let isAbandoned = false;
  let failure: string | undefined;
  const ready = new Promise<HandshakeRefusal | undefined>((resolve) => {
    socket.onopen = () => resolve(undefined);
    socket.onerror = ({ message }) => {
      failure = message;
    };
    socket.onclose = () => {
      const refusal = upstream.refusal();
      if (refusal) report('handshake-refused', refusal);
      else if (!isAbandoned) report('upstream-refused', failure === undefined ? {} : { error: failure });
      resolve({ status: passedOn(refusal?.code) });
    };
  });
  return {
    ready,
    start: (client) => startSession(client, upstream, report),
    abandon() {
      isAbandoned = true;
      socket.close();
    },
  };
}

/** Refusals that concern the client keep their status. All other failures are 502 Bad Gateway. */
function passedOn(status: number | undefined): number {
  return status !== undefined && status > 400 && status < 500 ? status : 502;
}
