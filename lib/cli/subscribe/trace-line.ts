import { escapeControls } from '../../core/escape-controls.ts';

/**
 * A line of a trace as `wisp trace` prints it: time, step, topic or filter, and the other members
 * as `name=value`. The client is known, and the id of the connection comes last.
 */
export function traceText(json: string): string {
  const {
    at,
    client: _,
    step,
    topic,
    filter,
    connection,
    ...rest
  } = JSON.parse(json) as Record<string, unknown>;
  const members = Object.entries({ ...rest, ...(connection === undefined ? {} : { connection }) });
  return [
    at,
    String(step).padEnd(12),
    ...(topic === undefined ? [] : [topic]),
    ...(filter === undefined ? [] : [filter]),
  ]
    .map((part) => escapeControls(String(part)))
    .concat(members.map(([name, value]) => escapeControls(`${name}=${String(value)}`)))
    .join('  ');
}
