const authByte = 0xf0;
const reAuthenticate = 0x19;
const authenticationMethodId = 0x15;
const authenticationDataId = 0x16;

/** Authentication method of Wisp's tokens (docs/tokens.md). */
export const authenticationMethod = 'wisp-jwt';

/**
 * AUTH with reason code 0x19 and a token, as bytes: MQTT.js has no method that sends it (section
 * 3.15 of MQTT 5.0). Tokens and the method are ASCII.
 */
export function encodeReAuthentication(token: string): Uint8Array {
  const properties = [
    authenticationMethodId,
    ...binary(authenticationMethod),
    authenticationDataId,
    ...binary(token),
  ];
  const body = [reAuthenticate, ...variableByteInteger(properties.length), ...properties];
  return Uint8Array.from([authByte, ...variableByteInteger(body.length), ...body]);
}

function binary(text: string): number[] {
  return [text.length >> 8, text.length & 0xff, ...Array.from(text, (unit) => unit.charCodeAt(0))];
}

function variableByteInteger(value: number): number[] {
  const more = value >> 7;
  return more ? [(value & 0x7f) | 0x80, ...variableByteInteger(more)] : [value];
}
