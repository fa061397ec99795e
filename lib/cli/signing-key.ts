import { commandName } from '../local/operator/command-name.ts';
import { keyPath, readSigningKey, type SigningKey } from '../local/operator/key-file.ts';
import { UserError } from '../local/operator/user-error.ts';
import type { Target } from './target.ts';

/**
 * The private key of a tenant on this machine.
 *
 * @throws UserError `key-missing`, or the code of a key file that cannot be used
 */
export async function signingKeyOf(
  tenant: string,
  options: { readonly key?: string },
  target: Target,
): Promise<SigningKey> {
  const path = options.key ?? keyPath(target.keyDirectory, tenant);
  const key = await readSigningKey(path);
  if (key !== undefined) return key;
  throw new UserError(
    'key-missing',
    `no private key at ${path}; create the tenant with "${commandName()} tenant create ${tenant}", or name the key file with --key`,
  );
}
