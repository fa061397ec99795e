interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Replaces the SDK's credential chain (`@aws-sdk/credential-provider-node`) in the functions.
 * Lambda sets a function's credentials in the environment for the life of the process. The chain's
 * other providers (files, SSO, web identity, metadata services) are never used and take about a
 * fifth of bundle and cold start.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (reserved environment
 * variables)
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
