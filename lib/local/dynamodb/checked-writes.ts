import { isJsonObject } from '../aws-json.ts';
import type { ActionValidation, Dynalite, Store } from './dynalite.ts';

const writes = new Set(['PutItem', 'UpdateItem', 'DeleteItem']);
/** Members that hold attribute values. All others of a request are checked once. */
const valueMembers = new Set(['Key', 'Item', 'ExpressionAttributeValues']);
const otherMembers = [
  'TableName',
  'ConditionExpression',
  'UpdateExpression',
  'ReturnValues',
  'ReturnValuesOnConditionCheckFailure',
] as const;
/** The service has some tens of kinds of writes; lists and maps of any size make more. */
const maxKnown = 1_000;

/**
 * Checks requests as dynalite does. Of writes that differ from an earlier one in nothing but their
 * attribute values, only these are checked again: the rest took a quarter of the engine's CPU.
 */
export class CheckedWrites {
  readonly #dynalite: Dynalite;
  readonly #known = new Set<string>();

  constructor(dynalite: Dynalite) {
    this.#dynalite = dynalite;
  }

  /** @returns the request as dynalite's actions take it. @throws an error of dynalite. */
  check(
    store: Store,
    operation: string,
    validation: ActionValidation,
    input: Record<string, unknown>,
  ): Record<string, unknown> {
    const { checkTypes, checkValidations, validationError } = this.#dynalite;
    const kind = kindOf(operation, input);
    // A copy, because dynalite deletes and adds members.
    const copy = { ...input };
    if (kind !== undefined && this.#known.has(kind)) {
      const problem = validation.custom?.(copy, store);
      if (typeof problem === 'string') throw validationError(problem);
      return copy;
    }
    const data = checkTypes(copy, validation.types);
    checkValidations(data, validation.types, validation.custom, store);
    if (kind !== undefined && this.#known.size < maxKnown) this.#known.add(kind);
    return data;
  }
}

/** All of a write but its attribute values; undefined if it is not known to be well formed. */
function kindOf(operation: string, input: Record<string, unknown>): string | undefined {
  if (!writes.has(operation)) return undefined;
  let kind = operation;
  for (const member of otherMembers) kind += `\n${String(input[member])}`;
  for (const [member, value] of Object.entries(input)) {
    if (value === undefined) continue;
    if (valueMembers.has(member)) {
      if (!isJsonObject(value) || !Object.values(value).every(isAttribute)) return undefined;
      kind += `\n${member}`;
    } else if (member === 'ExpressionAttributeNames') kind += `\n${JSON.stringify(value)}`;
    else if (typeof value !== 'string' || !isOther(member)) return undefined;
  }
  return kind;
}

function isOther(member: string): boolean {
  return otherMembers.some((other) => other === member);
}

/** Whether a value is of a type of DynamoDB, with nothing to be converted. */
function isAttribute(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const [entry, other] = Object.entries(value);
  if (entry === undefined || other !== undefined) return false;
  const [type, held] = entry;
  switch (type) {
    case 'S':
    case 'N':
      return typeof held === 'string';
    case 'BOOL':
    case 'NULL':
      return typeof held === 'boolean';
    case 'B':
      return typeof held === 'string' && isBase64(held);
    case 'SS':
    case 'NS':
      return Array.isArray(held) && held.every((one) => typeof one === 'string');
    case 'L':
      return Array.isArray(held) && held.every(isAttribute);
    case 'M':
      return isJsonObject(held) && Object.values(held).every(isAttribute);
    default:
      return false;
  }
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
