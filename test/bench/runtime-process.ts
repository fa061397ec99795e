/** Child process that runs the local service and reports its memory and CPU time. */
import { type Mint, startTestService, type TestService } from '../support/service.ts';
import { serve } from './process.ts';
import { unlimitedQuotas } from './unlimited.ts';

let service: TestService | undefined;
let mint: Mint | undefined;

const offered = {
  async start(_: undefined): Promise<{ url: string; username: string; password: string }> {
    service = await startTestService();
    mint = await service.tenant('bench', { quotas: unlimitedQuotas });
    return { url: service.url, username: mint.tenant, password: await mint() };
  },

  async look(
    _: undefined,
  ): Promise<{ residentBytes: number; heapBytes: number; cpuMs: number; connections: number }> {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      residentBytes: rss,
      heapBytes: heapUsed,
      cpuMs: (user + system) / 1000,
      connections: service?.gateway.connectionCount() ?? 0,
    };
  },
};
export type RuntimeProcess = typeof offered;

serve(offered);
