import type { Context } from '../../core/context.ts';
import { refusal } from '../../core/reasons.ts';
import type { Authenticated, Named, Refused } from './admission.ts';

/**
 * Names the client: what the token demands, else what the packet says, else an assigned identifier
 * that no other session has. Its session is kept under this name. A refusal is 0x02 in 3.1.1 and
 * 0x85 in 5.0.
 *
 * [MQTT-3.2.2-16 v5, MQTT-3.1.3-2 v3+v5, MQTT-3.1.3-9 v3, MQTT-3.1.3-8 v5, MQTT-3.1.3-5 v3+v5,
 * MQTT-3.1.3-6 v3+v5]
 */
export function nameClient(context: Context, known: Authenticated): Named | Refused {
  const { packet, identity } = known;
  const { clientId } = packet;
  if (clientId === '' && packet.protocolVersion === 3) return { refusal: refusal('client-id-empty') };
  // [MQTT-3.1.3-8 v3]
  if (clientId === '' && packet.protocolVersion === 4 && !packet.clean)
    return { refusal: refusal('client-id-empty') };
  // The identifier of the token is checked too: where the packet has none, it becomes part of keys.
  const { maxClientIdBytes } = context.settings;
  if (Buffer.byteLength(clientId || (identity.clientId ?? '')) > maxClientIdBytes)
    return { refusal: refusal('client-id-too-long', `at most ${maxClientIdBytes} bytes`) };
  if (identity.clientId !== undefined && clientId !== '' && clientId !== identity.clientId)
    return { refusal: refusal('client-id-not-granted') };
  if (clientId !== '') return { ...known, clientId, isAssigned: false };
  return { ...known, clientId: identity.clientId ?? context.ids.unique(), isAssigned: true };
}
