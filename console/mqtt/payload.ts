/** Ways to read a payload. */
export type PayloadView = 'auto' | 'json' | 'text' | 'hex' | 'base64';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const lenientUtf8 = new TextDecoder();

/** A payload as text. `auto`: JSON where it is an object or a list, else UTF-8, else hex. */
export function payloadText(bytes: Uint8Array, view: PayloadView): string {
  if (view === 'hex') return hex(bytes);
  if (view === 'base64') return base64(bytes);
  if (view === 'text') return lenientUtf8.decode(bytes);
  const text = utf8(bytes);
  if (view === 'json') return (text && prettyJson(text)) ?? 'The payload is not JSON.';
  if (text === undefined) return hex(bytes);
  return /^\s*[[{]/.test(text) ? (prettyJson(text) ?? text) : text;
}

/** Bytes that an operator has typed. @throws Error in words */
export function payloadBytes(text: string, form: 'text' | 'hex' | 'base64'): Uint8Array {
  if (form === 'text') return new TextEncoder().encode(text);
  const compact = text.replace(/\s/g, '');
  if (form === 'hex') {
    if (!/^(?:[0-9a-f]{2})*$/i.test(compact)) throw new Error('expected pairs of 0–9 and a–f');
    return Uint8Array.from(compact.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  }
  try {
    return Uint8Array.from(atob(compact), (character) => character.charCodeAt(0));
  } catch {
    throw new Error('expected base64');
  }
}

export function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** `48 65 6c 6c 6f`, 16 bytes on a line. */
function hex(bytes: Uint8Array): string {
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const lines: string[] = [];
  for (let at = 0; at < pairs.length; at += 16) lines.push(pairs.slice(at, at + 16).join(' '));
  return lines.join('\n');
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function prettyJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}
