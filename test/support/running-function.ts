import { AsyncLocalStorage } from 'node:async_hooks';

/** Name of the function whose handler runs, where a test has put it {@link within} one. */
export const running = new AsyncLocalStorage<string>();

type Make<Service> = (service: Service) => (event: unknown) => Promise<unknown>;

/** Makes handlers that run as the function `name`: in a test all functions share a process. */
export function within<Service>(name: string, make: Make<Service>): Make<Service> {
  return (service) => {
    const handler = make(service);
    return (event) => running.run(name, () => handler(event));
  };
}
