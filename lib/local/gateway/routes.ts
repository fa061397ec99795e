import type { Route } from './events.ts';

/** Chooses the route of a message by its text. */
export type SelectRoute = (body: string) => Route;

/**
 * Evaluates a route selection expression of the form `$request.body.path.to.member` as API Gateway does: the member's value,
 * made a string, that is the key of one of `routes` selects it. Text that is no JSON, a missing member and any other
 * value go to `$default`. Whether a client may name a predefined route AWS does not say: here it may not.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
 *
 * @throws TypeError for another form of expression.
 */
export function createRouteSelector(expression: string, routes: readonly Route[]): SelectRoute {
  const [, plain, braced] =
    /^\$(?:request\.body\.([\w.]+)|\{request\.body\.([\w.]+)\})$/.exec(expression) ?? [];
  const path = (plain ?? braced)?.split('.');
  if (path === undefined) throw new TypeError(`route selection expression: "${expression}"`);
  const keys = new Set(routes);
  return (body) => {
    const key = valueAt(path, body);
    return key !== undefined && keys.has(key) ? key : '$default';
  };
}

function valueAt(path: readonly string[], body: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
