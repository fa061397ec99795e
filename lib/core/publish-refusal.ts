import type { HttpReasonName, MqttReasonName, Refusal } from './reasons.ts';

/** Why a message is not published; `reasonCode` is that of PUBACK or PUBREC. */
export interface PublishRefusal extends Refusal<HttpReasonName & MqttReasonName> {
  /**
   * - `invalid`: it breaks the protocol; over MQTT this ends the connection.
   * - `topic-limits`: its topic is allowed by MQTT, but longer or deeper than Wisp takes.
   * - `not-authorized`: the permissions do not allow the topic.
   * - `payload-format`: the payload is not the UTF-8 that its properties promise.
   * - `too-large`: it makes a larger packet than the client may send.
   * - `rate`: it comes too fast; the same message may pass later.
   * - `quota`: another quota of the tenant is used up.
   */
  readonly kind:
    | 'invalid'
    | 'topic-limits'
    | 'not-authorized'
    | 'payload-format'
    | 'too-large'
    | 'rate'
    | 'quota';
}
