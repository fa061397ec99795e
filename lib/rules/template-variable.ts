import { type Place, TextError } from './json-text.ts';

/** What a variable of a template stands for. */
export type Variable =
  | { readonly kind: 'path'; readonly steps: readonly Step[] }
  | { readonly kind: 'rule-name' }
  /** The event without its payload. */
  | { readonly kind: 'event' };

/** A member, an element, or all members or elements. */
type Step = string | number | typeof every;

const every = Symbol('*');

/** Members of the document that paths begin with. */
const documentMembers: ReadonlySet<string> = new Set([
  'version',
  'id',
  'tenant',
  'topic',
  'levels',
  'time',
  'clientId',
  'qos',
  'retain',
  'properties',
  'payload',
  'payloadText',
  'payloadBase64',
]);

/** Variables that EventBridge defines, as far as Wisp has what they stand for. */
const predefined: Readonly<Record<string, Variable>> = {
  'aws.events.rule-name': { kind: 'rule-name' },
  'aws.events.event.ingestion-time': { kind: 'path', steps: ['time'] },
  'aws.events.event': { kind: 'event' },
  'aws.events.event.json': { kind: 'path', steps: [] },
};

const step = /\.(\*|[^.[\]\s]+)|\[(\d{1,5}|\*)\]/y;

/**
 * `$.payload.list[0].name`: a path in EventBridge's part of JSON path; `aws.events.…`: a predefined
 * variable.
 *
 * @param name what is between `<` and `>`.
 * @throws TextError
 */
export function compileVariable(name: string, place: Place): Variable {
  if (!name.startsWith('$')) {
    const variable = Object.hasOwn(predefined, name) ? predefined[name] : undefined;
    if (variable !== undefined) return variable;
    const known = Object.keys(predefined).map((text) => `<${text}>`);
    throw new TextError(place, `unknown variable; known are <$.…> and ${known.join(', ')}`);
  }
  const steps: Step[] = [];
  step.lastIndex = 1;
  while (step.lastIndex < name.length) {
    const [, member, index] = step.exec(name) ?? [];
    const written = member ?? index;
    if (written === undefined)
      throw new TextError(place, 'expected a path of names and indices, as in <$.payload.list[0].name>');
    steps.push(written === '*' ? every : (member ?? Number(index)));
  }
  const [first] = steps;
  if (first !== undefined && (typeof first !== 'string' || !documentMembers.has(first)))
    throw new TextError(place, `messages have no such member; they have ${[...documentMembers].join(', ')}`);
  return { kind: 'path', steps };
}

/** The value at the end of the path; undefined: there is none. */
export function valueAt(value: unknown, steps: readonly Step[]): unknown {
  const [first, ...others] = steps;
  if (first === undefined) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  if (first === every) {
    const values = Object.values(value).map((item) => valueAt(item, others));
    return values.filter((item) => item !== undefined);
  }
  if (Array.isArray(value) !== (typeof first === 'number') || !Object.hasOwn(value, first)) return undefined;
  return valueAt((value as Readonly<Record<string | number, unknown>>)[first], others);
}
