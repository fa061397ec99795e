/**
 * Control packets ⇄ bytes, strictly, for MQTT 3.1, 3.1.1 and 5.0, and the catalogues of errors and
 * reason codes.
 */
export { decodePackets, payloadFormatError } from './decode.ts';
export { encodedLength, encodePacket, encodePacketWithin } from './encode.ts';
export { mqttError, mqttErrorCodes } from './errors.ts';

export {
  clientMaySend,
  connackReturnCode,
  isFailure,
  reasonCodes,
  reasonText,
  subackCode,
} from './reason-codes.ts';
export type * from './types.ts';
