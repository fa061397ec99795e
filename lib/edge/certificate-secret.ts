import * as v from 'valibot';
import type { Certificates } from '../listeners/certificates.ts';

const schema = v.object({
  certificate: v.string(),
  key: v.string(),
  clientCa: v.optional(v.string()),
});

/** How often the secret is read again, in milliseconds. */
const pollMs = 600_000;

/**
 * Reads the certificate of an edge from a secret: JSON with `certificate` and `key`, and perhaps
 * `clientCa`, in PEM.
 *
 * @param load returns the text of the secret; undefined: it has none.
 * @throws an Error that says what the secret lacks, and nothing of what it holds.
 */
export async function readCertificateSecret(load: () => Promise<string | undefined>): Promise<Certificates> {
  const text = await load();
  if (text === undefined) throw new Error('the secret with the certificate has no value');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('the secret with the certificate is not JSON: {"certificate": "…", "key": "…"}');
  }
  const result = v.safeParse(schema, value);
  if (!result.success)
    throw new Error(
      `the secret with the certificate lacks ${v.getDotPath(result.issues[0]) ?? 'its members'}`,
    );
  const { certificate, key, clientCa } = result.output;
  return { cert: certificate, key, ...(clientCa === undefined ? {} : { clientCa }) };
}

/** Hands over the certificates when the secret has changed. A failure keeps the old ones. */
export function watchCertificateSecret(
  load: () => Promise<string | undefined>,
  first: Certificates,
  changed: (certificates: Certificates) => void,
  failed: (error: unknown) => void,
): () => void {
  let known = JSON.stringify(first);
  const timer = setInterval(async () => {
    try {
      const certificates = await readCertificateSecret(load);
      if (JSON.stringify(certificates) === known) return;
      changed(certificates);
      known = JSON.stringify(certificates);
    } catch (error) {
      failed(error);
    }
  }, pollMs);
  return () => clearInterval(timer);
}
