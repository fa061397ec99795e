/** A configuration that Wisp will not store or use; the message names the member, never its value. */
export class TenantConfigError extends Error {
  readonly code = 'tenant-config';
  override readonly name = 'TenantConfigError';
}

export function fail(message: string): never {
  throw new TenantConfigError(message);
}

export function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(`${at}: an object`);
  return value as Record<string, unknown>;
}

/** An object all of whose members the caller knows: a misspelt restriction must not be passed over. */
export function closedRecord(
  value: unknown,
  at: string,
  members: readonly string[],
): Record<string, unknown> {
  const checked = record(value, at);
  if (!Object.keys(checked).every((member) => members.includes(member))) {
    fail(`${at}: members ${members.join(', ')} only`);
  }
  return checked;
}

export function list(value: unknown, at: string, max: number): unknown[] {
  if (!Array.isArray(value) || value.length > max) return fail(`${at}: a list of at most ${max}`);
  return value;
}

export function text(value: unknown, at: string, maxCharacters: number): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxCharacters) {
    return fail(`${at}: a text of 1 to ${maxCharacters} characters`);
  }
  return value;
}
