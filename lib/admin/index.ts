import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { Problem, withProblems } from '../http/problem.ts';
import type { AdminContext } from './context.ts';
import { type AdminRoute, adminPrefix, routes } from './routes.ts';

export { adminPrefix, routes } from './routes.ts';

/**
 * The admin API (docs/openapi.json). Every caller is the operator: API Gateway has checked the IAM
 * signature, or the request comes from the machine of the local runtime.
 */
export function administer(context: AdminContext, request: HttpRequest): Promise<HttpResponse> {
  return withProblems(async () => {
    const methods: string[] = [];
    for (const route of routes) {
      const path = match(route, request.path);
      if (path === undefined) continue;
      const operation = route.methods[request.method];
      if (operation !== undefined) return operation({ context, request, path });
      // The name of a rule may be that of another resource: /rules/test.
      methods.push(...Object.keys(route.methods));
    }
    if (methods.length === 0) throw new Problem('not-found');
    const allow = methods.join(', ');
    throw new Problem('method', { detail: `only ${allow}`, headers: { allow } });
  });
}

function match(route: AdminRoute, path: string): Record<string, string> | undefined {
  const pattern = `${adminPrefix}${route.path}`.split('/');
  const levels = path.split('/');
  if (levels.length !== pattern.length) return undefined;
  const variables: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const level = levels[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(expected)?.[1];
    if (name === undefined ? level !== expected : level === '') return undefined;
    if (name !== undefined) variables[name] = level;
  }
  return variables;
}
