// A target of rules: writes each message into a table of PostgreSQL, once. It runs as a Lambda
// function, and with `npm start` as it is. The connection comes from PGHOST, PGUSER, PGPASSWORD, …
import pg from 'pg';

// One connection: a function handles one event at a time.
const pool = new pg.Pool({ max: 1, idleTimeoutMillis: 10_000, allowExitOnIdle: true });
// The server has ended an idle connection. The pool opens another; unheard, the error ends the
// process.
pool.on('error', (error) => console.warn(error.message));

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
  const payload = 'payload' in event ? event.payload : (event.payloadText ?? event.payloadBase64);
  await pool.query(insert, [id, tenant, topic, time, clientId, jsonbOf(payload)]);
}

/** JSON without what jsonb refuses: U+0000, and halves of surrogate pairs. */
function jsonbOf(value) {
  // An escaped backslash is matched first, so that what follows it is not taken for an escape.
  return JSON.stringify(value).replace(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, (found) => {
    if (found === '\\\\') return found;
    return found === '\\u0000' ? '' : '\ufffd';
  });
}
