/** Child process that runs the local service. */
import type { Meters } from '../../../lib/local/gateway/meters.ts';
import { type Mint, startTestService, type TestService } from '../../support/service.ts';
import { serve } from '../process.ts';
import { unlimitedQuotas } from '../unlimited.ts';
import type { Listening } from './listening.ts';

let service: TestService | undefined;
let mint: Mint | undefined;

const offered = {
  async start(_: undefined): Promise<Listening> {
    service = await startTestService();
    mint = await service.tenant('bench', { quotas: unlimitedQuotas });
    return {
      port: service.gateway.port,
      path: new URL(service.url).pathname,
      username: mint.tenant,
      password: await mint(),
    };
  },
  async meters(
    _: undefined,
  ): Promise<Pick<Meters, 'meteredMessagesIn' | 'meteredMessagesOut' | 'invocations'>> {
    if (service === undefined) throw new Error('not started');
    return service.gateway.meters;
  },
};
export type WispProcess = typeof offered;

serve(offered);
