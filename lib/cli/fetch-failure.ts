/** What `fetch` failed of: the code of the socket's error where there is one, such as ECONNREFUSED. */
export function fetchFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
