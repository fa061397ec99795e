import { Buffer } from 'node:buffer';
import {
  type JsonNode,
  type JsonNodeOf,
  orFault,
  type Place,
  readJson,
  TextError,
  type TextFault,
} from './json-text.ts';
import { ruleLimits } from './limits.ts';
import { compileVariable, type Variable, valueAt } from './template-variable.ts';

/** A template that is ready to be filled in. */
export type CompiledTemplate =
  | { readonly kind: 'json'; readonly root: TemplateNode }
  | { readonly kind: 'text'; readonly parts: readonly TextPart[] };

type TemplateNode =
  | { readonly kind: 'fixed'; readonly json: string }
  | { readonly kind: 'value'; readonly variable: Variable }
  | { readonly kind: 'text'; readonly parts: readonly TextPart[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, TemplateNode])[] }
  | { readonly kind: 'list'; readonly items: readonly TemplateNode[] };

type TextPart = string | Variable;

/** What the variables of a template stand for. */
export interface TemplateSource {
  /** The members of the envelope, `levels`, and the payload in every form that it has. */
  readonly document: Readonly<Record<string, unknown>>;
  /** The event without its payload. */
  readonly event: Readonly<Record<string, unknown>>;
  readonly rule: string;
}

/**
 * Compiles a template in the grammar of EventBridge's input transformer, where paths stand between
 * `<` and `>` themselves: `{"v": <$.payload.t>, "s": "text <$.topic>"}`. A template that begins
 * with `{`, `[` or `"` is JSON; any other is plain text.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 *
 * @param asText takes every template for plain text.
 */
export function compileTemplate(
  template: string,
  asText = false,
): { readonly template: CompiledTemplate } | { readonly fault: TextFault } {
  return orFault(template, () => {
    const start = { at: 0, path: '' };
    if (Buffer.byteLength(template) > ruleLimits.maxTemplateBytes)
      throw new TextError(start, `a template has at most ${ruleLimits.maxTemplateBytes} bytes`);
    const compiler = new TemplateCompiler();
    if (asText || !/^[ \t\n\r]*[{["]/.test(template))
      return { template: { kind: 'text', parts: compiler.parts(template, start, (chunk) => chunk) } };
    return { template: { kind: 'json', root: compiler.node(readJson(template, true)) } };
  });
}

/**
 * `<$…>` and `<aws.…>` are variables, and so is a bare word, to find `<payload.t>` for
 * `<$.payload.t>`. Any other `<` is a character like others.
 */
const variableInText = /<(?:\$[^<>]*|aws\.[^<>]*|[A-Za-z_][\w.-]*)>|<(?:\$|aws\.)/g;

class TemplateCompiler {
  #variables = 0;

  node(node: JsonNode): TemplateNode {
    switch (node.kind) {
      case 'variable':
        return { kind: 'value', variable: this.#variable(node.name, node) };
      case 'text':
        return { kind: 'text', parts: this.#partsOf(node) };
      case 'object':
        return {
          kind: 'object',
          members: node.members.map(({ name, value }) => {
            if (name.raw.search(variableInText) !== -1)
              throw new TextError(name, 'a variable cannot be in the name of a member');
            return [JSON.stringify(name.text), this.node(value)] as const;
          }),
        };
      case 'list':
        return { kind: 'list', items: node.items.map((item) => this.node(item)) };
      case 'number':
        return { kind: 'fixed', json: node.raw };
      case 'constant':
        return { kind: 'fixed', json: String(node.value) };
    }
  }

  #partsOf(node: JsonNodeOf<'text'>): TextPart[] {
    const place = { at: node.at + 1, path: node.path };
    // `\u003c` is how a JSON text writes "<" without beginning a variable.
    return this.parts(node.raw, place, (chunk) => JSON.parse(`"${chunk}"`) as string);
  }

  parts(raw: string, { at, path }: Place, decode: (chunk: string) => string): TextPart[] {
    const parts: TextPart[] = [];
    let from = 0;
    for (const { 0: found, index } of raw.matchAll(variableInText)) {
      const place = { at: at + index, path };
      if (!found.endsWith('>')) throw new TextError(place, 'a variable ends with ">"');
      if (index > from) parts.push(decode(raw.slice(from, index)));
      parts.push(this.#variable(found.slice(1, -1), place));
      from = index + found.length;
    }
    if (from < raw.length) parts.push(decode(raw.slice(from)));
    return parts;
  }

  #variable(name: string, place: Place): Variable {
    if (++this.#variables > ruleLimits.maxTemplateVariables)
      throw new TextError(place, `more than ${ruleLimits.maxTemplateVariables} variables`);
    return compileVariable(name, place);
  }
}

/**
 * The template with the values of the message, at most `maxRenderedBytes` long.
 *
 * - A value that is missing does not appear: a member or an element that is only this variable is
 *   left out, and nothing stands for it within a text.
 * - Within a text, texts appear as they are and other values as JSON. Texts of a JSON template are
 *   escaped, so that its result is always JSON.
 *
 * @returns undefined if the result is too large.
 */
export function renderTemplate(template: CompiledTemplate, source: TemplateSource): string | undefined {
  const output = new BoundedText();
  if (template.kind === 'text') for (const part of template.parts) output.add(textOf(part, source) ?? '');
  else if (!writeNode(template.root, source, output, '')) output.add('null');
  return output.text();
}

/** @returns undefined if one of the variables has no value. */
export function renderWhole(parts: readonly TextPart[], source: TemplateSource): string | undefined {
  const texts = parts.map((part) => textOf(part, source));
  return texts.includes(undefined) ? undefined : texts.join('');
}

/** @returns false if nothing was written, because the value is missing. */
function writeNode(node: TemplateNode, source: TemplateSource, output: BoundedText, lead: string): boolean {
  if (node.kind === 'value') {
    const value = variableValue(node.variable, source);
    if (value === undefined) return false;
    output.add(lead + JSON.stringify(value));
    return true;
  }
  output.add(lead);
  if (node.kind === 'fixed') output.add(node.json);
  else if (node.kind === 'text')
    output.add(JSON.stringify(node.parts.map((part) => textOf(part, source) ?? '').join('')));
  else if (node.kind === 'list') {
    output.add('[');
    let written = false;
    for (const item of node.items) written = writeNode(item, source, output, written ? ',' : '') || written;
    output.add(']');
  } else {
    output.add('{');
    let written = false;
    for (const [name, value] of node.members)
      written = writeNode(value, source, output, `${written ? ',' : ''}${name}:`) || written;
    output.add('}');
  }
  return true;
}

function textOf(part: TextPart, source: TemplateSource): string | undefined {
  if (typeof part === 'string') return part;
  const value = variableValue(part, source);
  return typeof value === 'string' || value === undefined ? value : JSON.stringify(value);
}

function variableValue(variable: Variable, { document, event, rule }: TemplateSource): unknown {
  if (variable.kind === 'rule-name') return rule;
  if (variable.kind === 'event') return event;
  return valueAt(document, variable.steps);
}

/** Stops taking text once there is too much of it. */
class BoundedText {
  #text = '';

  add(text: string): void {
    if (this.#text.length <= ruleLimits.maxRenderedBytes) this.#text += text;
  }

  text(): string | undefined {
    const { maxRenderedBytes } = ruleLimits;
    const isTooLong =
      this.#text.length > maxRenderedBytes || Buffer.byteLength(this.#text) > maxRenderedBytes;
    return isTooLong ? undefined : this.#text;
  }
}
