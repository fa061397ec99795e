/**
 * Base64 with the standard alphabet and padding (RFC 4648, section 4), with neither `Buffer` nor `atob`: the adapter
 * runs where one of them is missing.
 */
export type Bytes = Uint8Array<ArrayBuffer>;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Int8Array(128).fill(-1);
const codes = new Uint8Array(64);
for (let value = 0; value < 64; value++) {
  codes[value] = alphabet.charCodeAt(value);
  values[alphabet.charCodeAt(value)] = value;
}

/** Bytes encoded per call of `fromCharCode`: 8,192 characters, below the argument limit of every engine. */
const pieceBytes = 6_144;

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    text += encodePiece(bytes, start, Math.min(start + pieceBytes, bytes.length));
  }
  return text;
}

function encodePiece(bytes: Uint8Array, start: number, end: number): string {
  const chars: number[] = [];
  const char = (word: number) => chars.push(codes[word & 63] as number);
  for (let i = start; i < end; i += 3) {
    // Beyond the end `undefined` counts as 0 in bit operations; pieces are multiples of three, so only the last one ends early.
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    char(word >> 18);
    char(word >> 12);
    char(word >> 6);
    char(word);
  }
  const padding = (3 - ((end - start) % 3)) % 3;
  return String.fromCharCode.apply(null, padding ? chars.fill(61, -padding) : chars);
}

/**
 * The bytes, or `undefined` where `text` is not the one canonical encoding of them: bad length, alphabet or padding,
 * white space, or bits set beyond the last byte.
 */
export function decodeBase64(text: string): Bytes | undefined {
  const { length } = text;
  if (length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((length / 4) * 3 - padding);
  const value = (at: number) => values[text.charCodeAt(at)] ?? -1;
  const end = length - padding;
  let at = 0;
  let i = 0;
  for (; i + 4 <= end; i += 4) {
    const a = value(i);
    const b = value(i + 1);
    const c = value(i + 2);
    const d = value(i + 3);
    if ((a | b | c | d) < 0) return undefined;
    bytes[at++] = (a << 2) | (b >> 4);
    bytes[at++] = (b << 4) | (c >> 2);
    bytes[at++] = (c << 6) | d;
  }
  if (padding > 0) {
    const a = value(i);
    const b = value(i + 1);
    const c = padding === 1 ? value(i + 2) : 0;
    if ((a | b | c) < 0 || (padding === 1 ? c & 3 : b & 15) !== 0) return undefined;
    bytes[at++] = (a << 2) | (b >> 4);
    if (padding === 1) bytes[at] = (b << 4) | (c >> 2);
  }
  return bytes;
}
