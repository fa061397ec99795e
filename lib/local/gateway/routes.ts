import type { Route } from './events.ts';

/** Selects the route of a message by its text. */
export type SelectRoute = (body: string) => Route;

/**
 * Evaluates a route selection expression of the form `$request.body.path.to.member` like API
 * Gateway: the member's value as a string selects the route with this key. Text that is not JSON, a
 * missing member and all other values select `$default`. AWS does not document whether a client may
 * select a predefined route; here it may not.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
 *
 * @throws TypeError if the expression has another form.
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
