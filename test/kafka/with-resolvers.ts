/**
 * The client of Kafka needs Node 22, as the function that has it does; tests run with Node 20 too.
 * Import this before the client.
 */
interface Resolvers {
  withResolvers?: () => { promise: Promise<unknown>; resolve: unknown; reject: unknown };
}

const promises = Promise as unknown as Resolvers;
promises.withResolvers ??= () => {
  let resolve: unknown;
  let reject: unknown;
  const promise = new Promise((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
};
