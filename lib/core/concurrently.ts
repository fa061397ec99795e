/**
 * Runs `work` for every value, at most `limit` at a time. Every value is tried; then the first
 * error rejects.
 */
export async function concurrently<T>(
  values: Iterable<T>,
  limit: number,
  work: (value: T) => Promise<void>,
): Promise<void> {
  const iterator = values[Symbol.iterator]();
  const errors: unknown[] = [];
  async function lane(): Promise<void> {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  const lanes = Array.isArray(values) ? Math.min(values.length, limit) : limit;
  await Promise.all(Array.from({ length: lanes }, lane));
  if (errors.length > 0) throw errors[0];
}
