import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { type Credentials, Sha256 } from './signer.ts';

/** How long a token may be used to connect, in seconds (Amazon MSK Developer Guide). */
const expiresInSeconds = 900;

/**
 * Makes tokens with which Amazon MSK accepts an IAM identity over SASL/OAUTHBEARER: a URL for
 * `kafka-cluster:Connect`, signed with AWS Signature Version 4, in Base64url (Amazon MSK Developer
 * Guide, "IAM access control").
 *
 * @param credentials default: the AWS SDK's credential chain.
 */
export function createMskTokens(
  credentials: Credentials = defaultProvider(),
): (region: string) => Promise<string> {
  return async (region) => {
    const signature = new SignatureV4({ service: 'kafka-cluster', region, credentials, sha256: Sha256 });
    const hostname = `kafka.${region}.amazonaws.com`;
    const { query = {} } = await signature.presign(
      {
        method: 'GET',
        protocol: 'https:',
        hostname,
        path: '/',
        headers: { host: hostname },
        query: { Action: 'kafka-cluster:Connect' },
      },
      { expiresIn: expiresInSeconds },
    );
    const url = new URL(`https://${hostname}/`);
    for (const [name, value] of Object.entries(query)) url.searchParams.append(name, String(value));
    // Outside of the signature, as Amazon's own signers do.
    url.searchParams.append('User-Agent', 'wisp');
    return Buffer.from(url.href).toString('base64url');
  };
}
