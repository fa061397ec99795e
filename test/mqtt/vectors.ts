import { readdirSync, readFileSync } from 'node:fs';

/**
 * One protocol case: bytes from a client, and what they must be decoded to. See the files beside
 * this one.
 */
export interface Vector {
  readonly name: string;
  /**
   * The statement that it shows, as a tag: `MQTT-1.5.5-1 v5`. Where there are several, `clauses`
   * has them.
   */
  readonly clause?: string;
  readonly clauses?: readonly string[];
  /** Version of the connection; null before its CONNECT. */
  readonly version: 3 | 4 | 5 | null;
  readonly hex: string;
  readonly expect: {
    /** Binary fields are written as `{ "hex": "…" }`. */
    readonly packets: readonly Readonly<Record<string, unknown>>[];
    readonly error?: { readonly code: string; readonly reasonCode: number };
    /** Form of the answer, where no version was known before; null: none is known now either. */
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

/** The packet as a vector writes it. */
export function asVector(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(asVector);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, asVector(field)]));
}
