// A target of rules: writes each message into a table of PostgreSQL, once. It runs as a Lambda
// function, and with `npm start` as it is. The connection comes from PGHOST, PGUSER, PGPASSWORD, …
import pg from 'pg';

// One connection: a function handles one event at a time.
const pool = new pg.Pool({ max: 1, idleTimeoutMillis: 10_000, allowExitOnIdle: true });

const insert = `
  INSERT INTO messages (id, tenant, topic, published_at, client_id, payload)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (id) DO NOTHING`;

/**
 * @param event the envelope of a rule, version 1. A message may come again, with the same id: the
 *   table takes it once.
 */
export async function handler(event) {
  const { id, tenant, topic, time, clientId = null } = event;
  // PostgreSQL's jsonb takes no U+0000.
  const payload = JSON.stringify(event.payload ?? event.payloadText ?? event.payloadBase64).replaceAll(
    '\\u0000',
    '',
  );
  await pool.query(insert, [id, tenant, topic, time, clientId, payload]);
}
