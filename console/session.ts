import { signal } from '@preact/signals';
import { ApiProblem, server, sessionProblem } from './api/call.ts';
import type { About } from './api/types.ts';
import { asProblem } from './api/use-load.ts';

/** What the server tells of the service; undefined until the session is open. */
export const about = signal<About | undefined>(undefined);

const ticketPattern = /^#ticket=([\w-]+)$/;

/** Whether the address is a link of the terminal. */
export function hasTicket(): boolean {
  return ticketPattern.test(location.hash);
}

/**
 * Opens the session. A link of the terminal brings a ticket in its fragment, which browsers send to
 * no server; the server takes it for a cookie, once. A used one does no harm while the cookie is
 * good.
 */
export async function openSession(): Promise<void> {
  const ticket = ticketPattern.exec(location.hash)?.[1];
  let refused: ApiProblem | undefined;
  if (ticket !== undefined) {
    history.replaceState(null, '', '#/');
    dispatchEvent(new HashChangeEvent('hashchange'));
    await server('POST', '/session', { body: { ticket } }).catch((error: unknown) => {
      refused = asProblem(error);
    });
  }
  try {
    about.value = await server<About>('GET', '/about');
    sessionProblem.value = undefined;
  } catch (error) {
    sessionProblem.value = refused ?? asProblem(error);
  }
}

/** Asks again, after the keys on the operator's machine have changed. */
export async function refreshAbout(): Promise<void> {
  about.value = await server<About>('GET', '/about');
}

export async function closeSession(): Promise<void> {
  await server('DELETE', '/session').catch(() => {});
  about.value = undefined;
  sessionProblem.value = new ApiProblem(401, 'console-session', 'You have left the console.');
}
