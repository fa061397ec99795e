import { commandName } from './command-name.ts';
import { exitCodes, UserError } from './user-error.ts';

/** One line that says what went wrong and what to do about it, and the exit code. */
export function explain(error: unknown): { readonly message: string; readonly exitCode: number } {
  if (error instanceof UserError) return { message: error.message, exitCode: error.exitCode };
  return { message: advice(error).replaceAll(/\s*\n\s*/g, ' '), exitCode: exitCodes.failed };
}

function advice(error: unknown): string {
  const { name, message, code } = describe(error);
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'ENOTFOUND') {
    return `the service does not answer (${code}); "${commandName()} start" starts a local one`;
  }
  switch (name) {
    case 'CredentialsProviderError':
      return 'no AWS credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
    case 'ResourceNotFoundException':
      return 'the Tenants table does not exist there; check --tenants-table, --stack and --region';
    case 'AccessDeniedException':
    case 'AccessDenied':
    case 'UnrecognizedClientException':
    case 'InvalidClientTokenId':
    case 'ExpiredTokenException':
    case 'ExpiredToken':
      return `AWS refuses these credentials: ${message}`;
    case 'ValidationError':
      return `AWS: ${message}; check --stack and --region`;
    default:
      return message === 'Region is missing' ? 'no AWS region given; use --region or AWS_REGION' : message;
  }
}

/** The SDK wraps failures of a host's several addresses in an AggregateError without a message. */
function describe(error: unknown): { name: string; message: string; code: string | undefined } {
  if (!(error instanceof Error)) return { name: '', message: String(error), code: undefined };
  const first = error instanceof AggregateError ? error.errors[0] : undefined;
  const code = 'code' in error ? String(error.code) : undefined;
  const message = error.message || (first instanceof Error ? first.message : '') || error.name;
  return { name: error.name, message, code };
}
