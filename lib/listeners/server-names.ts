import { createSecureContext, type SecureContext, type TlsOptions } from 'node:tls';
import { type Certificates, dnsNames, secureContextOptions, withEach } from './certificates.ts';

/** Chooses the certificate of a TLS connection by the name that the client asks for (SNI). */
export class ServerNames {
  readonly #contexts = new Map<string, SecureContext>();

  /** @throws OpenSSL's error if it cannot use a certificate. */
  constructor(certificates: Certificates) {
    for (const certificate of withEach(certificates)) {
      const context = createSecureContext(secureContextOptions(certificate));
      // The first certificate with a name has it.
      for (const name of dnsNames(certificate.cert))
        if (!this.#contexts.has(name)) this.#contexts.set(name, context);
    }
  }

  /** A name comes before a wildcard, which covers one label. Undefined: the default certificate. */
  contextOf(name: string): SecureContext | undefined {
    const asked = name.toLowerCase();
    return this.#contexts.get(asked) ?? this.#contexts.get(asked.replace(/^[^.]+/, '*'));
  }
}

/** Settings of a TLS server that asks `names` at each handshake; none for one certificate alone. */
export function sniOptions({ others }: Certificates, names: () => ServerNames): TlsOptions {
  if (others === undefined) return {};
  return { SNICallback: (name, done) => done(null, names().contextOf(name)) };
}
