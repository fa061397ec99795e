/**
 * Base64 with the standard alphabet and padding (RFC 4648, section 4). Uses what the runtime has:
 * `Buffer`, or `Uint8Array.fromBase64`; the loops serve platforms that have neither, such as React
 * Native.
 */
export type Bytes = Uint8Array<ArrayBuffer>;

interface NodeBuffer {
  from(text: string, encoding: 'base64'): Bytes;
  from(bytes: ArrayBufferLike, at: number, length: number): { toString(encoding: 'base64'): string };
}
const node = (globalThis as { readonly Buffer?: NodeBuffer }).Buffer;
const native = Uint8Array as { fromBase64?(text: string): Bytes };

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function encodeBase64(bytes: Uint8Array): string {
  if (node) return node.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  if (native.fromBase64) return (bytes as unknown as { toBase64(): string }).toBase64();
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
 * padding, white space, or bits set beyond the last byte. The decoders of the runtime are more
 * lenient, so their result counts only if it encodes to the same text.
 */
export function decodeBase64(text: string): Bytes | undefined {
  const bytes = decodeLeniently(text);
  return bytes && encodeBase64(bytes) === text ? bytes : undefined;
}

function decodeLeniently(text: string): Bytes | undefined {
  try {
    if (node) return new Uint8Array(node.from(text, 'base64'));
    if (native.fromBase64) return native.fromBase64(text);
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array((text.replace(/==?$/, '').length * 3) >> 2);
  let word = 0;
  for (let i = 0, at = 0, bits = 0; at < bytes.length; i++) {
    word = (word << 6) | alphabet.indexOf(text[i] as string);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = word >> bits;
    }
  }
  return bytes;
}
