/** The client of the embedded store, as the local service has it. */
export { createEmbeddedClient } from '../../lib/local/embedded-client.ts';
