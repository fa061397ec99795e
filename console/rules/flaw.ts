import type { ApiProblem } from '../api/call.ts';

/** Codes that are about one member, where the message does not name it. */
const members: Readonly<Record<string, string>> = {
  'rule-name': 'name',
  'rule-unknown': 'name',
  'rule-filter': 'filter',
};

/**
 * What a refusal of a rule says about one member, such as `target.url` or `where`; undefined: it is
 * about another one.
 */
export function flawAt(problem: ApiProblem | undefined, member: string): string | undefined {
  if (problem === undefined) return undefined;
  const { code, message } = problem;
  if (members[code] === member) return message;
  // "the body is not valid: target.url: expected a URL with https"
  const name = member.replaceAll('.', '\\.');
  return new RegExp(`(?:^|: )${name}(?:: |(?=[.[]))(.+)`, 's').exec(message)?.[1];
}

/** A piece of a text with one character that is wrong. */
export interface Excerpt {
  readonly line: number;
  readonly column: number;
  readonly before: string;
  /** Empty where the text ends too early. */
  readonly wrong: string;
  readonly after: string;
}

/** Characters around the mistake. */
const around = 36;

/** The place of a mistake that a flaw names: `payload.total (line 1, column 42): expected …`. */
export function excerptOf(text: string, flaw: string): Excerpt | undefined {
  const [, line = '', column = ''] = /line (\d+), column (\d+)/.exec(flaw) ?? [];
  const whole = text.split('\n')[Number(line) - 1];
  if (whole === undefined) return undefined;
  const at = Number(column) - 1;
  const [wrong = ''] = whole.slice(at);
  const [from, to] = [Math.max(0, at - around), at + wrong.length + around];
  return {
    line: Number(line),
    column: Number(column),
    before: `${from > 0 ? '… ' : ''}${whole.slice(from, at)}`,
    wrong,
    after: `${whole.slice(at + wrong.length, to)}${whole.length > to ? ' …' : ''}`,
  };
}
