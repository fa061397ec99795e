import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../lib/local/authority.ts';
import { cert, key } from '../support/certificate.ts';
import { startListening, tlsTo } from './listening.ts';

const dayMs = 86_400_000;

async function certificateFor(...hosts: string[]) {
  const [notBefore, notAfter] = [new Date(Date.now() - dayMs), new Date(Date.now() + dayMs)];
  const authority = await createAuthority('names', notBefore, notAfter);
  return authority.issue({ subject: `CN=${hosts[0]}`, hosts, notBefore, notAfter });
}

describe('several certificates', () => {
  it('are chosen by the name that the client asks for, the first one being the default', async () => {
    const one = await certificateFor('one.example', '*.one.example');
    const { listeners } = await startListening({ tls: { port: 0, cert, key, others: [one] } });
    const shown = async (name: string) => {
      const socket = tlsTo(listeners, name, false);
      await once(socket, 'secureConnect');
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    expect(await shown('one.example')).toBe('one.example');
    expect(await shown('A.ONE.example')).toBe('one.example');
    expect(await shown('a.b.one.example')).toBe('localhost');
    expect(await shown('localhost')).toBe('localhost');
    const two = await certificateFor('two.example');
    listeners.replaceCertificates({ cert, key, others: [two] });
    expect(await shown('one.example')).toBe('localhost');
    expect(await shown('two.example')).toBe('two.example');
  });
});
