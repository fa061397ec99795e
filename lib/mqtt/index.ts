/**
 * Control packets ⇄ bytes, strictly, for MQTT 3.1, 3.1.1 and 5.0, and the catalogues of errors and
 * reason codes.
 */
export { type Decoded, decodePackets, payloadFormatError } from './decode.ts';
export { encodedLength, encodePacket, encodePacketWithin } from './encode.ts';
export { type MqttError, type MqttErrorCode, mqttError, mqttErrorCodes } from './errors.ts';
export { type DecodeLimits, mqttLimits } from './framing.ts';
export {
  clientMaySend,
  connackReturnCode,
  isFailure,
  type ReasonCode,
  type ReasonCodeName,
  reasonCodes,
  reasonText,
  subackCode,
} from './reason-codes.ts';
export type * from './types.ts';
