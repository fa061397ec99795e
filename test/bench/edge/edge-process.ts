/** Child process with an edge and the whole service, on the embedded store. */
import { type Edge, startEdge } from '../../../lib/edge/index.ts';
import { createLocalLog } from '../../../lib/local/log.ts';
import { localEdgeParts } from '../../../lib/local/service.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { serve } from '../process.ts';
import type { Listening } from '../throughput/listening.ts';
import { unlimitedQuotas } from '../unlimited.ts';

let service: TestService | undefined;
let edge: Edge | undefined;

const offered = {
  async start({ transport }: { transport: 'tcp' | 'ws' }): Promise<Listening> {
    service = await startTestService({ edge: true, log: createLocalLog('error', console.error) });
    const mint = await service.tenant('bench', { quotas: unlimitedQuotas });
    edge = await startEdge({
      ...localEdgeParts(service),
      log: service.service.log,
      mqttPort: 0,
      wsPort: 0,
      maxConnectionsPerAddress: Number.POSITIVE_INFINITY,
    });
    return {
      port: (transport === 'tcp' ? edge.mqttPort : edge.wsPort) ?? 0,
      path: '/mqtt',
      username: mint.tenant,
      password: await mint({ exp: undefined }),
    };
  },
  async cpuMicroseconds(_: undefined): Promise<number> {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};
export type EdgeProcess = typeof offered;

serve(offered);
