import { type Credentials, publishPacket, receive, sendConnect, subscribe } from './client.ts';
import { examine, type Finding } from './finding.ts';
import { openProbe, type Probe } from './probe.ts';

const topic = 'doctor/echo';
const logsAdvice = 'Look into the log group of the message function (docs/runbook.md, FunctionErrors)';

/**
 * Connects a client and has it send and receive: frames with an answer (`$default`), one without
 * (`oneway`), and posts to its connection (`@connections`).
 */
export async function checkMessages(url: string, credentials: Credentials): Promise<Finding[]> {
  let probe: Probe | undefined;
  const handshake = await examine(
    'handshake',
    'Check that the URL is that of this deployment; look into the log group of the connect function',
    async () => {
      probe = await openProbe(url);
      return 'accepted';
    },
  );
  const opened = probe;
  if (opened === undefined) return [handshake];
  try {
    const connected = await examine('CONNECT', logsAdvice, async () => {
      await sendConnect(opened, credentials, 'doctor');
      return 'accepted';
    });
    if (connected.status !== 'ok') return [handshake, connected];
    return [
      handshake,
      connected,
      await examine('answers on $default', logsAdvice, async () => {
        await subscribe(opened, [topic], 1);
        return 'SUBSCRIBE is answered';
      }),
      await examine(
        'push to a connection',
        'Look for 403 and 429 of @connections in the log of the message function',
        async () => {
          const payload = Buffer.from('by $default');
          const [puback] = await opened.request(publishPacket(topic, payload, 1));
          if ((puback?.[0] ?? 0) >> 4 !== 4) throw new Error('PUBLISH is not answered with PUBACK');
          await receive(opened, topic, payload);
          return 'a message of QoS 1 came back';
        },
      ),
      await examine(
        'frames without an answer (oneway)',
        'Look for the route oneway in the access log, and into the log group of the message function',
        async () => {
          const payload = Buffer.from('by oneway');
          opened.oneWay(publishPacket(topic, payload, 0));
          await receive(opened, topic, payload);
          return 'a message of QoS 0 came back';
        },
      ),
    ];
  } finally {
    opened.close();
  }
}
