import { type Credentials, createRequestSigner, regionOfApi } from '../aws/signer.ts';
import { UserError } from '../local/operator/user-error.ts';
import type { Sign } from './admin-client.ts';

/**
 * Signs requests for the admin API.
 * @param region default: the region in `adminUrl`, else AWS_REGION.
 * @param credentials default: the AWS SDK's credential chain.
 * @throws UserError `region` if none is known.
 */
export function createSigner(adminUrl: string, region: string | undefined, credentials?: Credentials): Sign {
  const known = region ?? regionOfApi(adminUrl) ?? process.env.AWS_REGION;
  if (known === undefined)
    throw new UserError('region-missing', 'no AWS region given; use --region or AWS_REGION');
  return createRequestSigner(known, credentials);
}
