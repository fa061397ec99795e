interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Stands in for the SDK's credential chain (`@aws-sdk/credential-provider-node`) in the functions. Lambda hands
 * a function its credentials in the environment, always and for the life of the process, so the chain's other
 * links (files, SSO, web identity, metadata services) are dead weight: about a fifth of bundle and start.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (reserved environment variables)
 *
 * @throws Error when a credential is missing, which in Lambda cannot happen.
 */
export function defaultProvider(): () => Promise<Credentials> {
  return async () => {
    const accessKeyId = process.env.AWS_ACCESS_KEY_ID;
    const secretAccessKey = process.env.AWS_SECRET_ACCESS_KEY;
    const sessionToken = process.env.AWS_SESSION_TOKEN;
    if (!accessKeyId || !secretAccessKey) {
      throw new Error(
        'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: this bundle runs in Lambda only',
      );
    }
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  };
}
