/** A parser of dynalite, which looks `parse` up at each call. */
export interface ExpressionParser {
  parse(expression: string, options: { readonly context: ParserContext }): unknown;
}

/** What dynalite gives its parsers: a request's names and values, and those not used so far. */
export interface ParserContext {
  readonly attrNames?: Readonly<Record<string, string>> | undefined;
  readonly attrVals?: Readonly<Record<string, AttributeValue>> | undefined;
  readonly unusedAttrNames: Record<string, true>;
  readonly unusedAttrVals: Record<string, true>;
  /** Compares the values of two attributes of one type. */
  readonly compare: (operator: 'GT', first: AttributeValue, second: AttributeValue) => boolean;
}

type AttributeValue = Readonly<Record<string, unknown>>;

/** A parsed expression with slots for the values, and the names and values it refers to. */
interface Template {
  readonly result: unknown;
  /** Whether it has a BETWEEN, whose bounds must be in order. */
  readonly hasBounds: boolean;
  readonly names: readonly string[];
  readonly values: readonly string[];
}

class Slot {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** The service has some tens of expressions; lists and maps of any size make more. */
const maxTemplates = 1_000;

/** The one check of the parsers that depends on a value, not on its type. */
const dependsOnValues = /attribute_type/i;

/**
 * Makes a parser of dynalite remember what it parsed: parsing took half of the engine's CPU. The
 * result depends on the expression, on the names, and on the types of the values, so these are the
 * key; the values are put into a copy. What has an error, which parsers
 * return as text, is parsed each time.
 */
export function rememberParsed(parser: ExpressionParser): void {
  const templates = new Map<string, Template>();
  const { parse } = parser;
  parser.parse = (expression, { context }) => {
    const { attrNames = {}, attrVals = {}, unusedAttrNames, unusedAttrVals } = context;
    const key = keyOf(expression, attrNames, attrVals);
    let template = templates.get(key);
    if (template === undefined || (template.hasBounds && !areOrdered(template.result, context))) {
      // All are unused here, also what an earlier expression of the request has used.
      const unused = { names: allOf(attrNames), values: allOf(attrVals) };
      const result = parse(expression, {
        context: { ...context, unusedAttrNames: unused.names, unusedAttrVals: unused.values },
      });
      template = {
        result: templateOf(result, attrVals),
        hasBounds: /between/i.test(expression),
        names: Object.keys(attrNames).filter((name) => !(name in unused.names)),
        values: Object.keys(attrVals).filter((name) => !(name in unused.values)),
      };
      if (typeof result !== 'string' && !dependsOnValues.test(expression)) {
        if (templates.size >= maxTemplates) templates.clear();
        templates.set(key, template);
      }
    }
    for (const name of template.names) delete unusedAttrNames[name];
    for (const name of template.values) delete unusedAttrVals[name];
    return filled(template.result, attrVals);
  };
}

function keyOf(
  expression: string,
  names: Readonly<Record<string, string>>,
  values: Readonly<Record<string, AttributeValue>>,
): string {
  const types = Object.entries(values).map(([name, value]) => `${name} ${Object.keys(value)[0]}`);
  return JSON.stringify([expression, names, types]);
}

function allOf(named: Readonly<Record<string, unknown>>): Record<string, true> {
  return Object.fromEntries(Object.keys(named).map((name): [string, true] => [name, true]));
}

/** Whether the bounds of each BETWEEN are in order, which the parser checks. */
function areOrdered(node: unknown, context: ParserContext): boolean {
  if (typeof node !== 'object' || node === null || node instanceof Slot) return true;
  const { type, args } = node as { readonly type?: unknown; readonly args?: readonly unknown[] };
  if (type === 'between' && args?.[1] instanceof Slot && args[2] instanceof Slot) {
    const [, from, to] = args as [unknown, Slot, Slot];
    const lower = context.attrVals?.[from.name] ?? {};
    const upper = context.attrVals?.[to.name] ?? {};
    return !context.compare('GT', lower, upper);
  }
  return Object.values(node).every((child) => areOrdered(child, context));
}

/** A copy with slots in the place of the request's values, which the parsers insert as they are. */
function templateOf(result: unknown, values: Readonly<Record<string, AttributeValue>>): unknown {
  const names = new Map<unknown, string>(Object.entries(values).map(([name, value]) => [value, name]));
  return copied(result, (node) => {
    const name = names.get(node);
    return name === undefined ? undefined : new Slot(name);
  });
}

/** A copy with the request's values, because dynalite may change what a parser returns. */
function filled(template: unknown, values: Readonly<Record<string, AttributeValue>>): unknown {
  return copied(template, (node) => (node instanceof Slot ? values[node.name] : undefined));
}

function copied(node: unknown, replace: (node: object) => object | undefined): unknown {
  if (typeof node !== 'object' || node === null) return node;
  const replaced = replace(node);
  if (replaced !== undefined) return replaced;
  if (Array.isArray(node)) return node.map((child) => copied(child, replace));
  const copy = Object.create(Object.getPrototypeOf(node)) as Record<string, unknown>;
  for (const [key, child] of Object.entries(node)) copy[key] = copied(child, replace);
  return copy;
}
