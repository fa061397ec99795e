import type { Reason } from './reason.ts';

/** The console, a page that the operator's machine serves (docs/console.md). */
export const consoleReasons = {
  'console-foreign': {
    http: 403,
    message: 'the request is not from a page of this console on this machine',
    remedy: 'Open the console at the address that "wisp start" or "wisp console" prints.',
  },
  'console-session': {
    http: 401,
    message: 'this browser has no session of the console, or it has ended',
    remedy: 'Open the link that "wisp console" prints.',
  },
  'console-ticket': {
    http: 401,
    message: 'the link has been used, is older than ten minutes, or of an earlier start',
    remedy: 'Open the link that "wisp console" prints: each opens the console once.',
  },
  'console-admin-silent': {
    http: 502,
    message: 'the admin API does not answer the console',
    remedy: 'Check that the service is running, and the network between.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
