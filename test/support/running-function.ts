import { AsyncLocalStorage } from 'node:async_hooks';

/** Name of the function whose handler runs, where a test has put it {@link within} one. */
export const running = new AsyncLocalStorage<string>();

type Make<Parts extends readonly unknown[]> = (...parts: Parts) => (event: unknown) => Promise<unknown>;

/** Makes handlers that run as the function `name`: in a test all functions share a process. */
export function within<Parts extends readonly unknown[]>(name: string, make: Make<Parts>): Make<Parts> {
  return (...parts) => {
    const handler = make(...parts);
    return (event) => running.run(name, () => handler(event));
  };
}
