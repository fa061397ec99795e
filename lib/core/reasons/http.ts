import type { Reason } from './reason.ts';

/** Requests to the HTTP APIs (docs/admin.md, docs/openapi.json). */
export const httpReasons = {
  'not-found': {
    http: 404,
    message: 'there is no such resource',
    remedy: 'Check the path against docs/openapi.json.',
  },
  method: {
    http: 405,
    message: 'the resource does not have this method',
    remedy: 'Use a method of the header Allow.',
  },
  'content-type': {
    http: 415,
    message: 'the body must be application/json',
    remedy: 'Send the header Content-Type: application/json.',
  },
  body: {
    http: 400,
    message: 'the body is not valid',
    remedy: 'Correct the member that the message names.',
  },
  parameter: {
    http: 400,
    message: 'a parameter of the query is missing or not valid',
    remedy: 'Correct the parameter that the message names.',
  },
  page: {
    http: 400,
    message: '?page= is not the "next" of an earlier answer',
    remedy: 'Pass "next" unchanged, or leave ?page= out to begin at the first page.',
  },
  'client-id': {
    http: 400,
    message: 'the client identifier is too long or contains U+0000',
    remedy: 'Use the client identifier as the client names it in CONNECT.',
  },
  'client-unknown': {
    http: 404,
    message: 'the tenant has no such client',
    remedy: 'List the clients: "wisp client list". Its session may have ended.',
  },
  'observer-unknown': {
    http: 404,
    message: 'the tenant has no such observer',
    remedy: 'Nothing: it has ended.',
  },
  'observers-too-many': {
    http: 429,
    message: 'the tenant has as many observers as it may have at once',
    remedy: 'End one (GET and DELETE /admin/tenants/NAME/observers), or wait until one expires.',
  },
  'ban-unknown': {
    http: 404,
    message: 'the client is not banned',
    remedy: 'List the bans: "wisp bans".',
  },
  'bans-full': {
    http: 409,
    message: 'the tenant has as many bans as it may have',
    remedy: 'End bans: "wisp unban"; or revoke the tokens of these clients.',
  },
  'client-queue-full': {
    http: 409,
    message: 'the queue of the client is full',
    remedy: 'Wait until the client has acknowledged messages, or raise its quota queuedMessages.',
  },
  'client-packet-too-large': {
    http: 413,
    message: 'the message is larger than the client accepts (Maximum Packet Size)',
    remedy: 'Send a smaller message to this client.',
  },
  'retained-unknown': {
    http: 404,
    message: 'nothing is retained for this topic',
    remedy: 'List the retained messages: "wisp retained list".',
  },
  'issuer-unknown': {
    http: 404,
    message: 'the tenant has no such issuer',
    remedy: 'List the issuers: "wisp issuer list".',
  },
  'tenant-name': {
    http: 400,
    message: 'a tenant name has 1 to 63 characters of a-z, 0-9 and "-", and no "-" at either end',
    remedy: 'Choose a name of this form.',
  },
  'tenant-exists': {
    http: 409,
    message: 'a tenant of this name exists with other issuers or quotas',
    remedy: 'Choose another name, or change the issuers and quotas of the existing tenant.',
  },
  'tenant-deleting': {
    http: 409,
    message: 'the tenant is being deleted',
    remedy: 'Wait until it is unknown, then create it again.',
  },
  'tenant-busy': {
    http: 409,
    message: 'the tenant is being changed by others',
    remedy: 'Try again.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
