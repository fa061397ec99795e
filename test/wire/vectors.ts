/**
 * Reads docs/wire-vectors.json, the same vectors that an adapter in another language is tested
 * with.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export type BytesSpec = string | (string | { hex: string; times: number })[];
export type TextSpec = string | (string | { base64: BytesSpec })[];

interface FrameVector {
  name: string;
  text: TextSpec;
  expect: { kind: string; bytes?: BytesSpec; [field: string]: unknown };
}

export interface Step {
  open?: true;
  write?: BytesSpec;
  receive?: TextSpec;
  receiveBinary?: BytesSpec;
  advanceMs?: number;
  close?: true;
  socketCloses?: number;
  sends?: TextSpec[];
  hands?: BytesSpec[];
  closedWith?: number;
  socketClosedWith?: number;
  bufferedBytes?: number;
  repeat?: { times: number; steps: Step[] };
}

interface Vectors {
  profile: string;
  limits: Record<string, number>;
  closeCodes: Record<string, number>;
  base64: { bytes: BytesSpec; text: string }[];
  invalidBase64: { name: string; text: string }[];
  clientFrames: FrameVector[];
  oneWayFrames: FrameVector[];
  routes: { name: string; text: string; route: string }[];
  serverFrames: FrameVector[];
  splitPackets: { name: string; bytes: BytesSpec; packets: BytesSpec[]; rest: BytesSpec; error?: string }[];
  batches: { name: string; sizes: number[]; batches: number[][] }[];
  chunks: { name: string; id: string; bytes: BytesSpec; texts: TextSpec[] }[];
  assembly: { name: string; texts: TextSpec[]; results: ('pending' | BytesSpec | { error: string })[] }[];
  scenarios: { name: string; acknowledge?: 'messages' | 'needed'; steps: Step[] }[];
}

const file = new URL('../../docs/wire-vectors.json', import.meta.url);
export const vectors: Vectors = JSON.parse(readFileSync(file, 'utf8'));

export function bytesOf(spec: BytesSpec): Uint8Array<ArrayBuffer> {
  const parts = typeof spec === 'string' ? [spec] : spec;
  const hex = parts.map((part) => (typeof part === 'string' ? part : part.hex.repeat(part.times)));
  return new Uint8Array(Buffer.from(hex.join(''), 'hex'));
}

/** Encodes with Node's own base64, so that the vectors do not test the codec with itself. */
export function textOf(spec: TextSpec): string {
  const parts = typeof spec === 'string' ? [spec] : spec;
  const texts = parts.map((part) =>
    typeof part === 'string' ? part : Buffer.from(bytesOf(part.base64)).toString('base64'),
  );
  return texts.join('');
}

/**
 * For comparisons: hexadecimal digits, or a digest of long input, so that a failure does not print
 * 131,072 bytes.
 */
export function hexOf(bytes: Uint8Array | undefined): string | undefined {
  if (!bytes) return undefined;
  if (bytes.length < 100) return Buffer.from(bytes).toString('hex');
  return `${bytes.length} bytes, SHA-256 ${createHash('sha256').update(bytes).digest('hex')}`;
}
