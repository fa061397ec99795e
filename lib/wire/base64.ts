/**
 * Base64 with the standard alphabet and padding (RFC 4648, section 4). Uses neither `Buffer` nor
 * `atob`, because the adapter runs on platforms that lack one of them.
 */
export type Bytes = Uint8Array<ArrayBuffer>;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  let word = 0;
  let bits = 0;
  for (const byte of bytes) {
    word = (word << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet[(word >> bits) & 63];
    }
  }
  if (bits) text += alphabet[(word << (6 - bits)) & 63];
  while (text.length % 4) text += '=';
  return text;
}

/**
 * Decodes base64. Returns `undefined` where `text` is not canonical: bad length, alphabet or
 * padding, white space, or bits set beyond the last byte.
 */
export function decodeBase64(text: string): Bytes | undefined {
  if (text.length % 4) return undefined;
  const { length } = text.replace(/==?$/, '');
  const bytes = new Uint8Array((length * 3) >> 2);
  let at = 0;
  let word = 0;
  let bits = 0;
  for (let i = 0; i < length; i++) {
    const value = alphabet.indexOf(text[i] as string);
    if (value < 0) return undefined;
    word = (word << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = word >> bits;
    }
  }
  return word & ((1 << bits) - 1) ? undefined : bytes;
}
