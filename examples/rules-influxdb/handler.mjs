// A target of rules: writes measurements into InfluxDB (2.x, or Amazon Timestream for InfluxDB) as
// line protocol. It runs as a Lambda function, and with `npm start` as it is.
const { INFLUX_URL, INFLUX_ORG, INFLUX_BUCKET, INFLUX_TOKEN } = process.env;

/**
 * @param event the envelope of a rule, version 1. A message that comes again has the same series
 *   and time, so it replaces its point.
 */
export async function handler(event) {
  const line = lineOf(event);
  if (line === undefined) return;
  const query = new URLSearchParams({ org: INFLUX_ORG, bucket: INFLUX_BUCKET, precision: 'ms' });
  const response = await fetch(`${INFLUX_URL}/api/v2/write?${query}`, {
    method: 'POST',
    headers: { authorization: `Token ${INFLUX_TOKEN}`, 'content-type': 'text/plain; charset=utf-8' },
    body: line,
  });
  if (!response.ok) throw new Error(`InfluxDB answers ${response.status}`);
}

/** `mqtt,topic=sensors/7 t=21.5,open=true 1764331200007`; undefined: there is nothing to store. */
export function lineOf({ topic, time, payload }) {
  const fields = Object.entries(
    typeof payload === 'object' && payload !== null ? payload : { value: payload },
  )
    .filter(([name]) => name !== '')
    .filter(([, value]) => Number.isFinite(value) || typeof value === 'boolean' || typeof value === 'string')
    .map(([name, value]) => `${escaped(name)}=${typeof value === 'string' ? quoted(value) : value}`);
  if (fields.length === 0) return undefined;
  return `mqtt,topic=${escaped(topic)} ${fields.join(',')} ${Date.parse(time)}`;
}

/** A tag or the key of a field. Line protocol has no escape for line ends. */
function escaped(text) {
  return text.replace(/[\r\n]/g, ' ').replace(/[,= \\]/g, '\\$&');
}

function quoted(text) {
  return `"${text.replace(/[\r\n]/g, ' ').replace(/["\\]/g, '\\$&')}"`;
}
