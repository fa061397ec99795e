import type { Reason } from './reason.ts';

/** Rules: their definitions, and why a record of a rule was not delivered. */
export const ruleReasons = {} as const satisfies Readonly<Record<string, Reason>>;
