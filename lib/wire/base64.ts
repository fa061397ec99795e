/**
 * Base64 with the standard alphabet and padding (RFC 4648, section 4), with neither `Buffer` nor `atob`: the adapter
 * runs where one of them is missing.
 */
export type Bytes = Uint8Array<ArrayBuffer>;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Int8Array(128).fill(-1);
for (let value = 0; value < 64; value++) values[alphabet.charCodeAt(value)] = value;

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    // Beyond the end `undefined` counts as 0 in bit operations.
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    for (let shift = 18; shift >= 0; shift -= 6) text += alphabet[(word >> shift) & 63];
  }
  const padding = (3 - (bytes.length % 3)) % 3;
  return text.slice(0, text.length - padding) + '='.repeat(padding);
}

/**
 * The bytes, or `undefined` where `text` is not the one canonical encoding of them: bad length, alphabet or padding,
 * white space, or bits set beyond the last byte.
 */
export function decodeBase64(text: string): Bytes | undefined {
  const { length } = text;
  if (length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  const bytes = new Uint8Array((length / 4) * 3 - padding);
  let at = 0;
  let word = 0;
  let bits = 0;
  for (let i = 0; i < length - padding; i++) {
    const value = values[text.charCodeAt(i)] ?? -1;
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
