/** Why `fetch` failed: the socket error's code, such as ECONNREFUSED, or the error's name. */
export function fetchFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
