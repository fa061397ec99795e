import { readdirSync, readFileSync } from 'node:fs';

/**
 * One protocol case: bytes of a client, and the packets or error that they must decode to. The
 * cases are in vectors/.
 */
export interface Vector {
  readonly name: string;
  /** Tag of the clause that it shows: `MQTT-1.5.5-1 v5`. `clauses` holds several. */
  readonly clause?: string;
  readonly clauses?: readonly string[];
  /** Version of the connection; null before its CONNECT. */
  readonly version: 3 | 4 | 5 | null;
  readonly hex: string;
  readonly expect: {
    /** Binary fields are written as `{ "hex": "…" }`. */
    readonly packets: readonly Readonly<Record<string, unknown>>[];
    readonly error?: { readonly code: string; readonly reasonCode: number };
    /**
     * Version of the answer, if none was known before; null: none is known after decoding either.
     */
    readonly protocolVersion?: 3 | 4 | 5 | null;
  };
}

export interface VectorFile {
  readonly file: string;
  readonly about: string;
  readonly cases: readonly Vector[];
}

/** Name of a case with its tags, for titles. */
export function titleOf({ name, clause, clauses }: Vector): string {
  const tags = clauses ?? (clause === undefined ? [] : [clause]);
  return tags.length === 0 ? name : `${name} [${tags.join(', ')}]`;
}

export function readVectors(): VectorFile[] {
  const folder = new URL('./vectors/', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({ file, ...JSON.parse(readFileSync(new URL(file, folder), 'utf8')) }));
}

/** The packet in the form of a vector. */
export function asVector(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(asVector);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, asVector(field)]));
}
