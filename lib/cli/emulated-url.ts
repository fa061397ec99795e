/**
 * Maps an API Gateway URL to where an emulator serves it. Stack outputs in emulators hold host
 * names that only AWS or few resolvers know (`ID.execute-api.us-east-1.amazonaws.com`,
 * `ID.execute-api.localhost:4566`). LocalStack and MiniStack serve the same API under a path of
 * their endpoint. Other URLs stay as they are.
 *
 * @param endpoint of the emulator; undefined for AWS.
 */
export function emulatedUrl(url: string, endpoint: string | undefined): string {
  if (endpoint === undefined) return url;
  const { hostname, pathname } = new URL(url);
  const apiId = /^([a-z0-9]+)\.execute-api\.(localhost$|[a-z0-9-]+\.amazonaws\.com(\.cn)?$)/.exec(
    hostname,
  )?.[1];
  return apiId === undefined ? url : `${new URL(endpoint).origin}/_aws/execute-api/${apiId}${pathname}`;
}
