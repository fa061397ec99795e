import type { RuleSummary } from '../api/rule-types.ts';
import { fieldsOf, type TargetTexts, targetOf, textOf, textsOf } from './target-fields.ts';

/** A rule as it is typed. */
export interface RuleDraft {
  readonly name: string;
  readonly filter: string;
  readonly where: string;
  readonly form: 'envelope' | 'payload' | 'template';
  readonly template: string;
  readonly retryHours: string;
  readonly kind: string;
  readonly target: TargetTexts;
}

export function newDraft(kind: string): RuleDraft {
  return {
    name: '',
    filter: '',
    where: '',
    form: 'envelope',
    template: '',
    retryHours: '24',
    kind,
    target: {},
  };
}

export function draftOf({ name, filter, where = '', send, retryHours, target }: RuleSummary): RuleDraft {
  return {
    name,
    filter,
    where,
    form: send.form,
    template: send.template ?? '',
    retryHours: String(retryHours),
    kind: target.kind,
    target: textsOf(target),
  };
}

/** Whether everything is there that a rule must have; the service checks the rest. */
export function isComplete({ name, filter, kind, target }: RuleDraft): boolean {
  return (
    name !== '' &&
    filter !== '' &&
    fieldsOf(kind, target).every((field) => !field.isRequired || textOf(field, target).trim() !== '')
  );
}

/** The rule for the service. */
export function ruleOf(draft: RuleDraft): Readonly<Record<string, unknown>> {
  const { filter, form, template, retryHours, kind, target } = draft;
  const where = sentPattern(draft);
  return {
    filter,
    ...(where === '' ? {} : { where }),
    send: form === 'template' ? { form, template } : { form },
    ...(retryHours === '' ? {} : { retryHours: Number(retryHours) }),
    target: targetOf(kind, target),
  };
}

/** UTF-8 bytes of a pattern that the service takes (docs/limits.md). */
const maxPatternBytes = 512;

/** The pattern; without its white space where that would make it too long. */
export function sentPattern({ where }: RuleDraft): string {
  if (where.trim() === '') return '';
  if (new TextEncoder().encode(where).length <= maxPatternBytes) return where;
  try {
    return JSON.stringify(JSON.parse(where));
  } catch {
    return where;
  }
}
