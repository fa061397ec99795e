import { ruleLimits } from './limits.ts';

/** What is wrong with a pattern or template, and where. */
export interface TextFault {
  /** Place in the document: `payload.total[0].numeric[1]`; empty: the whole document. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** Names what is expected, never the text. */
  readonly problem: string;
}

/** A place in a text: its offset, and its path within the document. */
export interface Place {
  /** In UTF-16 units. */
  readonly at: number;
  readonly path: string;
}

/** A JSON value that knows where it is. */
export type JsonNode = Place &
  (
    | { readonly kind: 'object'; readonly members: readonly JsonMember[] }
    | { readonly kind: 'list'; readonly items: readonly JsonNode[] }
    /** `raw` is what the source has between the quotes. */
    | { readonly kind: 'text'; readonly text: string; readonly raw: string }
    | { readonly kind: 'number'; readonly number: number; readonly raw: string }
    | { readonly kind: 'constant'; readonly value: boolean | null }
    /** Only in templates: what the source has between `<` and `>`. */
    | { readonly kind: 'variable'; readonly name: string }
  );

export type JsonNodeOf<Kind extends JsonNode['kind']> = Extract<JsonNode, { readonly kind: Kind }>;

interface JsonMember {
  readonly name: JsonNodeOf<'text'>;
  readonly value: JsonNode;
}

/** Thrown within this folder; those who compile a text turn it into a {@link TextFault}. */
export class TextError extends Error {
  override readonly name = 'TextError';
  readonly place: Place;

  constructor(place: Place, problem: string) {
    super(problem);
    this.place = place;
  }
}

/** Runs `compile`; a {@link TextError} becomes the fault, with line and column in `text`. */
export function orFault<Result extends object>(
  text: string,
  compile: () => Result,
): Result | { readonly fault: TextFault } {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const { at, path } = error.place;
    const before = text.slice(0, at).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    return { fault: { path, line: before.length, column, problem: error.message } };
  }
}

/** `payload.total[0] (line 1, column 23): expected a list`. */
export function faultText({ path, line, column, problem }: TextFault): string {
  const place = `line ${line}, column ${column}`;
  return path === '' ? `${place}: ${problem}` : `${path} (${place}): ${problem}`;
}

const maxNameCharacters = 40;

export function memberPath(path: string, name: string): string {
  const short = name.slice(0, maxNameCharacters);
  return path === '' ? short : `${path}.${short}`;
}

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const constants = { true: true, false: false, null: null } as const;

/**
 * Reads JSON (RFC 8259) and keeps the place of every value, which `JSON.parse` does not.
 *
 * @param variables whether a variable, `<…>`, may stand for a value.
 * @throws TextError
 */
export function readJson(text: string, variables = false): JsonNode {
  const reader = new JsonReader(text, variables);
  return reader.document();
}

class JsonReader {
  readonly #text: string;
  readonly #variables: boolean;
  #at = 0;

  constructor(text: string, variables: boolean) {
    this.#text = text;
    this.#variables = variables;
  }

  document(): JsonNode {
    const value = this.#value('', 0);
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('', 'expected the end of the document');
    return value;
  }

  #value(path: string, levels: number): JsonNode {
    this.#skipSpace();
    const at = this.#at;
    const first = this.#text[at];
    if (first === '{' || first === '[') {
      if (levels >= ruleLimits.maxJsonLevels)
        this.#fail(path, `nested in more than ${ruleLimits.maxJsonLevels} levels`);
      return first === '{' ? this.#object(path, levels + 1) : this.#list(path, levels + 1);
    }
    if (first === '"') return this.#textNode(path);
    if (first === '<' && this.#variables) return this.#variable(path);
    for (const [word, value] of Object.entries(constants)) {
      if (!this.#text.startsWith(word, at)) continue;
      this.#at += word.length;
      return { kind: 'constant', at, path, value };
    }
    number.lastIndex = at;
    const raw = number.exec(this.#text)?.[0];
    if (raw === undefined)
      return this.#fail(path, first === undefined ? 'the document ends here' : 'expected a value');
    this.#at += raw.length;
    return { kind: 'number', at, path, number: Number(raw), raw };
  }

  #object(path: string, levels: number): JsonNode {
    const at = this.#at;
    const members: JsonMember[] = [];
    this.#at++;
    if (this.#takes('}')) return { kind: 'object', at, path, members };
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') this.#fail(path, 'expected the name of a member, in quotes');
      const name = this.#textNode(path);
      if (!this.#takes(':')) this.#fail(memberPath(path, name.text), 'expected ":"');
      members.push({ name, value: this.#value(memberPath(path, name.text), levels) });
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#fail(path, 'expected "," or "}"');
    return { kind: 'object', at, path, members };
  }

  #list(path: string, levels: number): JsonNode {
    const at = this.#at;
    const items: JsonNode[] = [];
    this.#at++;
    if (this.#takes(']')) return { kind: 'list', at, path, items };
    do items.push(this.#value(`${path}[${items.length}]`, levels));
    while (this.#takes(','));
    if (!this.#takes(']')) this.#fail(path, 'expected "," or "]"');
    return { kind: 'list', at, path, items };
  }

  #textNode(path: string): JsonNodeOf<'text'> {
    const at = this.#at;
    let end = at + 1;
    for (; this.#text[end] !== '"'; end++) {
      const unit = this.#text.charCodeAt(end);
      this.#at = end;
      if (Number.isNaN(unit)) this.#fail(path, 'the document ends within a text');
      if (unit < 0x20) this.#fail(path, 'a control character within a text');
      if (unit !== 0x5c) continue;
      if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(this.#text.slice(end, end + 6)))
        this.#fail(path, 'an unknown escape after "\\"');
      end++;
    }
    this.#at = end + 1;
    const raw = this.#text.slice(at + 1, end);
    return { kind: 'text', at, path, raw, text: JSON.parse(`"${raw}"`) as string };
  }

  #variable(path: string): JsonNode {
    const at = this.#at;
    const end = this.#text.indexOf('>', at);
    if (end === -1) this.#fail(path, 'a variable ends with ">"');
    this.#at = end + 1;
    return { kind: 'variable', at, path, name: this.#text.slice(at + 1, end) };
  }

  #takes(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    space.lastIndex = this.#at;
    space.exec(this.#text);
    this.#at = space.lastIndex;
  }

  #fail(path: string, problem: string): never {
    throw new TextError({ at: this.#at, path }, problem);
  }
}
