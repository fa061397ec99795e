import { examine, type Finding } from './finding.ts';
import { openProbe, type Probe } from './probe.ts';

const topic = 'doctor/echo';
const logsAdvice = 'Look into the log group of the message function (docs/runbook.md, FunctionErrors)';

/**
 * Connects a client and has it send and receive: frames with an answer (`$default`), one without
 * (`oneway`), and posts to its connection (`@connections`).
 */
export async function checkMessages(
  url: string,
  credentials: { readonly tenant: string; readonly token: string },
): Promise<Finding[]> {
  const probe = openProbe(url);
  try {
    const connected = await examine(
      'handshake and CONNECT',
      'Check that the URL is that of this deployment; look into the log groups of the functions connect and message',
      () => connect(probe, credentials),
    );
    if (connected.status !== 'ok') return [connected];
    return [
      connected,
      await examine('answers on $default', logsAdvice, () => subscribe(probe)),
      await examine(
        'push to a connection',
        'Look for 403 and 429 of @connections in the log of the message function',
        () => echo(probe, 1),
      ),
      await examine('frames without an answer (oneway)', logsAdvice, () => echo(probe, 0)),
    ];
  } finally {
    probe.close();
  }
}

async function connect(probe: Probe, { tenant, token }: { tenant: string; token: string }): Promise<string> {
  probe.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'doctor',
    clean: true,
    keepalive: 60,
    username: tenant,
    password: Buffer.from(token),
  });
  const code = (await probe.next('connack'))[3];
  if (code !== 0) throw new Error(`CONNACK with return code ${code}`);
  return 'accepted';
}

async function subscribe(probe: Probe): Promise<string> {
  const subscriptions = [{ topic, qos: 1 as const, nl: false, rap: false, rh: 0 as const }];
  probe.send({ cmd: 'subscribe', messageId: 1, subscriptions });
  const granted = (await probe.next('suback'))[4];
  if (granted !== 1) throw new Error(`SUBACK with return code ${granted}`);
  return 'SUBSCRIBE is answered';
}

async function echo(probe: Probe, qos: 0 | 1): Promise<string> {
  const messageId = qos === 0 ? {} : { messageId: 2 };
  const payload = Buffer.from(`qos ${qos}`);
  probe.send({ cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...messageId });
  if (qos === 1) await probe.next('puback');
  const packet = await probe.next('publish');
  if (!packet.includes(payload)) throw new Error('another message arrived');
  if (qos === 1) probe.send({ cmd: 'puback', messageId: packet.readUInt16BE(4 + topic.length) });
  return `a message of QoS ${qos} came back`;
}
