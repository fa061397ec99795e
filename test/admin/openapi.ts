import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema: object;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object }>> };
  readonly responses: Readonly<Record<string, Response>>;
}
interface Response {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}
type PathItem = { readonly parameters?: readonly Parameter[] } & Readonly<Record<string, unknown>>;

/** docs/openapi.json. */
export const document = JSON.parse(
  readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'),
) as {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};
const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { 'date-time': isTime } });
ajv.addSchema(document, 'openapi');

const validators = new Map<object, ValidateFunction>();

/** Every operation of the document: method, path, operationId. */
export function operations(): { method: string; path: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    (['get', 'put', 'post', 'delete'] as const).flatMap((method) => {
      const operation = item[method] as Operation | undefined;
      return operation === undefined ? [] : [{ method: method.toUpperCase(), path, operation }];
    }),
  );
}

export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly body: unknown;
  readonly status: number;
  readonly contentType: string | null;
  readonly answer: unknown;
}

/** The parts of an exchange that the document does not allow. A refused request need not match. */
export function flawsOf(exchange: Exchange): string[] {
  const found = find(exchange.method, exchange.url.pathname);
  if (found === undefined)
    return exchange.status === 404 || exchange.status === 405 ? [] : ['no such operation is documented'];
  const { operation, parameters } = found;
  const documented = operation.responses[String(exchange.status)] ?? operation.responses.default;
  const answered = content(documented, exchange.contentType, exchange.answer);
  if (exchange.status >= 400) return answered;
  return [...answered, ...queryFlaws(parameters, exchange.url), ...bodyFlaws(operation, exchange.body)];
}

/** The operation that serves an exchange. */
export function operationOf(method: string, url: URL): string | undefined {
  return find(method, url.pathname)?.operation.operationId;
}

function find(method: string, pathname: string) {
  for (const [path, item] of Object.entries(document.paths)) {
    const pattern = path.replace('{topic}', '.+').replaceAll(/\{\w+\}/g, '[^/]+');
    const operation = item[method.toLowerCase()] as Operation | undefined;
    if (operation === undefined || !new RegExp(`^${pattern}$`).test(decodeURIComponent(pathname))) continue;
    return { operation, parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])] };
  }
  return undefined;
}

function queryFlaws(parameters: readonly Parameter[], url: URL): string[] {
  const known = parameters.filter((parameter) => parameter.in === 'query');
  const unknown = [...url.searchParams.keys()].filter((name) => !known.some((one) => one.name === name));
  return [
    ...unknown.map((name) => `?${name}= is not documented`),
    ...known.flatMap(({ name, required, schema }) => {
      const values = url.searchParams.getAll(name);
      if (values.length === 0) return required === true ? [`?${name}= is missing`] : [];
      const fits = validator(schema);
      const [value = ''] = values;
      return fits(values) || fits(value) || fits(literal(value)) ? [] : [`?${name}= does not fit`];
    }),
  ];
}

function bodyFlaws(operation: Operation, body: unknown): string[] {
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema === undefined || typeof body !== 'object') return [];
  return problems('request', schema, body);
}

function content(documented: Response | undefined, contentType: string | null, answer: unknown): string[] {
  if (documented === undefined) return ['the status is not documented'];
  if (documented.content === undefined)
    return answer === undefined ? [] : ['a body where none is documented'];
  const schema = documented.content[contentType ?? '']?.schema;
  if (schema === undefined) return [`content type ${contentType} is not documented`];
  return problems('response', schema, answer);
}

function problems(what: string, schema: object, value: unknown): string[] {
  const validate = validator(schema);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${what}${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}

/** Compiles a schema; its references `#/components/…` are resolved in the document. */
function validator(schema: object): ValidateFunction {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(
      JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi#/components')) as object,
    );
    validators.set(schema, validate);
  }
  return validate;
}

function literal(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text)) && text.endsWith('Z');
}
