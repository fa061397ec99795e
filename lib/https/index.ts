/** Requests to URLs that tenants have configured. */

export {
  createHttpsClient,
  type HttpsClientOptions,
} from './client.ts';
export { HttpsError, type HttpsFault } from './https-error.ts';
export { createConnectionPool } from './pool.ts';
