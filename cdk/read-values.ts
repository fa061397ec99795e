/** A setting that cannot be deployed. The message is one line with the values that are allowed. */
export class SettingsError extends Error {
  readonly code = 'SETTINGS';
  override readonly name = 'SettingsError';
}

/** Reads one context value (`-c NAME=VALUE`); undefined if it is absent. */
export type ReadContext = (name: string) => unknown;

/** A whole number within bounds under its name; an empty object where it is absent. */
export function readCount<Name extends string>(
  context: ReadContext,
  name: Name,
  min: number,
  max = 1_000,
): { readonly [Key in Name]?: number } {
  const count = readQuota(context, name);
  const value = count[name];
  if (value !== undefined && (value < min || value > max))
    throw new SettingsError(`${name}: a whole number from ${min} to ${max}`);
  return count;
}

/** Undefined where the value is absent or empty. */
export function readText(context: ReadContext, name: string): string | undefined {
  const value = context(name);
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new SettingsError(`${name}: a text is expected`);
  return value;
}

/** A positive whole number under its name; an empty object where it is absent. */
export function readQuota<Name extends string>(
  context: ReadContext,
  name: Name,
): { readonly [Key in Name]?: number } {
  const value = context(name);
  const text = typeof value === 'number' ? String(value) : readText(context, name);
  if (text === undefined) return {};
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new SettingsError(`${name}: a whole number from 1 to 999999999`);
  return { [name]: Number(text) } as { readonly [Key in Name]: number };
}

/** Context values of `cdk.json` may be booleans. */
export function readSwitch(context: ReadContext, name: string, preset: boolean): boolean {
  const value = context(name);
  if (typeof value === 'boolean') return value;
  return readChoice(context, name, ['true', 'false'], String(preset) as 'true' | 'false') === 'true';
}

export function readChoice<Choice extends string>(
  context: ReadContext,
  name: string,
  choices: readonly Choice[],
  preset: Choice,
): Choice {
  const value = readText(context, name) ?? preset;
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new SettingsError(`${name}: one of ${choices.join(', ')}`);
  return choice;
}
