import { isDeepStrictEqual } from 'node:util';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Item = Record<string, AttributeValue>;
type Names = Readonly<Record<string, string>> | undefined;
type Values = Readonly<Record<string, AttributeValue>> | undefined;

interface Env {
  readonly item: Item | undefined;
  readonly names: Names;
  readonly values: Values;
}
type Operand = (env: Env) => AttributeValue | { size: number } | undefined;
type Predicate = (env: Env) => boolean;

const tokenPattern = /\s*(<>|<=|>=|[()=<>,.+]|[A-Za-z#:_][\w#:]*)/y;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.trimEnd().length) {
    const match = tokenPattern.exec(text);
    if (match?.[1] === undefined) throw new SyntaxError(`an expression this store does not know: ${text}`);
    tokens.push(match[1]);
  }
  return tokens;
}

/** A recursive-descent parser for the expressions that lib/store uses; anything else throws. */
class Reader {
  readonly #tokens: string[];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  get done(): boolean {
    return this.#at === this.#tokens.length;
  }
  peek(): string | undefined {
    return this.#tokens[this.#at];
  }
  take(expected?: string): string {
    const token = this.#tokens[this.#at];
    if (token === undefined || (expected !== undefined && token.toUpperCase() !== expected))
      throw new SyntaxError(`"${expected}" expected instead of "${token}": ${this.#text}`);
    this.#at += 1;
    return token;
  }
  accept(token: string): boolean {
    if (this.peek()?.toUpperCase() !== token) return false;
    this.#at += 1;
    return true;
  }

  disjunction(): Predicate {
    const terms = [this.conjunction()];
    while (this.accept('OR')) terms.push(this.conjunction());
    return (env) => terms.some((term) => term(env));
  }

  conjunction(): Predicate {
    const terms = [this.term()];
    while (this.accept('AND')) terms.push(this.term());
    return (env) => terms.every((term) => term(env));
  }

  term(): Predicate {
    if (this.accept('(')) {
      const inner = this.disjunction();
      this.take(')');
      return inner;
    }
    const name = this.peek() ?? '';
    if (['attribute_exists', 'attribute_not_exists', 'begins_with', 'contains'].includes(name))
      return this.functionCall(this.take());
    const left = this.operand();
    const operator = this.take().toUpperCase();
    const right = this.operand();
    if (operator === 'BETWEEN') {
      this.take('AND');
      const upper = this.operand();
      return (env) =>
        compare(left(env), right(env), (order) => order >= 0) &&
        compare(left(env), upper(env), (order) => order <= 0);
    }
    switch (operator) {
      case '=':
        return (env) => same(left(env), right(env));
      case '<>':
        return (env) => !same(left(env), right(env));
      case '<':
        return (env) => compare(left(env), right(env), (order) => order < 0);
      case '<=':
        return (env) => compare(left(env), right(env), (order) => order <= 0);
      case '>':
        return (env) => compare(left(env), right(env), (order) => order > 0);
      case '>=':
        return (env) => compare(left(env), right(env), (order) => order >= 0);
      default:
        throw new SyntaxError(`operator "${operator}": ${this.#text}`);
    }
  }

  functionCall(name: string): Predicate {
    this.take('(');
    const subject = this.operand();
    if (name === 'attribute_exists' || name === 'attribute_not_exists') {
      this.take(')');
      return (env) => (subject(env) !== undefined) === (name === 'attribute_exists');
    }
    this.take(',');
    const argument = this.operand();
    this.take(')');
    return (env) => {
      const value = subject(env);
      const wanted = argument(env);
      if (value === undefined || wanted === undefined || 'size' in value || 'size' in wanted) return false;
      const text = wanted.S ?? '';
      if (name === 'begins_with') return value.S?.startsWith(text) ?? false;
      return value.SS?.includes(text) ?? value.S?.includes(text) ?? false;
    };
  }

  operand(): Operand {
    const token = this.take();
    if (token.startsWith(':')) return ({ values }) => values?.[token];
    if (token === 'size') {
      this.take('(');
      const subject = this.operand();
      this.take(')');
      return (env) => {
        const value = subject(env);
        if (value === undefined || 'size' in value) return undefined;
        return { size: (value.SS ?? value.NS ?? value.L ?? value.S ?? []).length };
      };
    }
    const nested = this.accept('.') ? this.take() : undefined;
    return ({ item, names }) => {
      const value = item?.[nameOf(token, names)];
      return nested === undefined ? value : value?.M?.[nameOf(nested, names)];
    };
  }

  path(): string[] {
    const path = [this.take()];
    while (this.accept('.')) path.push(this.take());
    return path;
  }
}

function nameOf(token: string, names: Names): string {
  if (!token.startsWith('#')) return token;
  const name = names?.[token];
  if (name === undefined) throw new SyntaxError(`no name for ${token}`);
  return name;
}

type Operated = AttributeValue | { size: number } | undefined;

function numberOf(value: Operated): number | undefined {
  if (value === undefined) return undefined;
  if ('size' in value) return value.size;
  return value.N === undefined ? undefined : Number(value.N);
}

function same(one: Operated, other: Operated): boolean {
  return one !== undefined && other !== undefined && isDeepStrictEqual(one, other);
}

function compare(one: Operated, other: Operated, decide: (order: number) => boolean): boolean {
  const [left, right] = [numberOf(one), numberOf(other)];
  if (left !== undefined && right !== undefined) return decide(left - right);
  if (one === undefined || other === undefined || 'size' in one || 'size' in other) return false;
  if (one.S === undefined || other.S === undefined) return false;
  return decide(Buffer.compare(Buffer.from(one.S), Buffer.from(other.S)));
}

const predicates = new Map<string, Predicate>();

export function holds(
  text: string | undefined,
  item: Item | undefined,
  names: Names,
  values: Values,
): boolean {
  if (text === undefined) return true;
  let predicate = predicates.get(text);
  if (predicate === undefined) {
    const reader = new Reader(text);
    predicate = reader.disjunction();
    if (!reader.done) throw new SyntaxError(`an expression this store does not know: ${text}`);
    predicates.set(text, predicate);
  }
  return predicate({ item, names, values });
}

type Value = (env: Env) => AttributeValue;
/** One part of an update expression: changes `item`, reads the item before the update. */
type Change = (item: Item, env: Env) => void;

/** A name, a value, `if_not_exists(name, value)`, or the sum of two of the former. */
function assignedValue(reader: Reader, text: string): Value {
  const storedOrGiven = (token: string): Value => {
    if (token.startsWith(':')) return ({ values }) => present(values?.[token], token, text);
    return ({ item, names }) => present(item?.[nameOf(token, names)], token, text);
  };
  const token = reader.take();
  if (token === 'if_not_exists') {
    reader.take('(');
    const name = reader.take();
    reader.take(',');
    const otherwise = storedOrGiven(reader.take());
    reader.take(')');
    return (env) => env.item?.[nameOf(name, env.names)] ?? otherwise(env);
  }
  const first = storedOrGiven(token);
  if (!reader.accept('+')) return first;
  const second = storedOrGiven(reader.take());
  return (env) => ({ N: String(Number(first(env).N) + Number(second(env).N)) });
}

function present(value: AttributeValue | undefined, token: string, text: string): AttributeValue {
  if (value === undefined) throw new SyntaxError(`no value for ${token}: ${text}`);
  return value;
}

function changesOf(text: string): Change[] {
  const changes: Change[] = [];
  const reader = new Reader(text);
  const clauses: Record<string, () => Change> = {
    SET: () => {
      const path = reader.path();
      reader.take('=');
      const value = assignedValue(reader, text);
      return (item, env) => setPath(item, namesOf(path, env), value(env));
    },
    REMOVE: () => {
      const path = reader.path();
      return (item, env) => removePath(item, namesOf(path, env));
    },
    ADD: () => {
      const [name = '', value] = [reader.take(), assignedValue(reader, text)];
      return (item, env) => add(item, nameOf(name, env.names), value(env));
    },
    DELETE: () => {
      const [name = '', value] = [reader.take(), assignedValue(reader, text)];
      return (item, env) => takeAway(item, nameOf(name, env.names), value(env));
    },
  };
  while (!reader.done) {
    const clause = clauses[reader.take().toUpperCase()];
    if (clause === undefined) throw new SyntaxError(`a clause this store does not know: ${text}`);
    do changes.push(clause());
    while (reader.accept(','));
  }
  return changes;
}

function namesOf(path: readonly string[], { names }: Env): string[] {
  return path.map((token) => nameOf(token, names));
}

const updates = new Map<string, Change[]>();

/** The item after an update expression. */
export function updated(text: string, old: Item, names: Names, values: Values): Item {
  let changes = updates.get(text);
  if (changes === undefined) {
    changes = changesOf(text);
    updates.set(text, changes);
  }
  const item = { ...old };
  for (const change of changes) change(item, { item: old, names, values });
  return item;
}

function setPath(item: Item, path: readonly string[], value: AttributeValue): void {
  const [first = '', second] = path;
  if (second === undefined) item[first] = value;
  else {
    const map = item[first]?.M;
    if (map === undefined) throw new SyntaxError(`no map ${first}`);
    item[first] = { M: { ...map, [second]: value } };
  }
}

function removePath(item: Item, path: readonly string[]): void {
  const [first = '', second] = path;
  const map = item[first]?.M;
  if (second === undefined) delete item[first];
  else if (map !== undefined) {
    const { [second]: _, ...rest } = map;
    item[first] = { M: rest };
  }
}

function add(item: Item, name: string, value: AttributeValue): void {
  const old = item[name];
  if (value.N !== undefined) item[name] = { N: String(Number(old?.N ?? 0) + Number(value.N)) };
  else if (value.SS !== undefined)
    item[name] = { SS: [...new Set([...(old?.SS ?? []), ...value.SS])].sort() };
  else if (value.NS !== undefined) item[name] = { NS: [...new Set([...(old?.NS ?? []), ...value.NS])] };
  else throw new SyntaxError(`ADD of ${name}`);
}

/** DynamoDB has no empty sets: with its last member the attribute goes. */
function takeAway(item: Item, name: string, value: AttributeValue): void {
  const kind = value.SS === undefined ? 'NS' : 'SS';
  const members = value.SS ?? value.NS;
  if (members === undefined) throw new SyntaxError(`DELETE of ${name}`);
  const gone = new Set(members);
  const left = (item[name]?.[kind] ?? []).filter((member) => !gone.has(member));
  if (left.length > 0) item[name] = { [kind]: left } as unknown as AttributeValue;
  else delete item[name];
}
