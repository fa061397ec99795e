import type { AdminClient, Sign } from '../../admin-client.ts';
import { type Credentials, openClient } from '../client.ts';
import type { Probe } from '../probe.ts';

export interface ManagementAnswer {
  readonly status: number;
  readonly body: string;
}

/** The deployment that is measured. */
export interface Subject {
  readonly url: string;
  /** A client with its CONNECT accepted. Clients are closed at the end. */
  connect(clientId: string): Promise<Probe>;
  /** A request to `@connections` for the client's connection. */
  manage(clientId: string, method: 'GET' | 'POST' | 'DELETE', body?: string): Promise<ManagementAnswer>;
  close(): void;
}

export interface SubjectOptions {
  readonly url: string;
  readonly credentials: Credentials;
  readonly api: AdminClient;
  /** Absent where `@connections` asks for no signature: the local service, emulators. */
  readonly sign?: Sign;
}

export function createSubject({ url, credentials, api, sign }: SubjectOptions): Subject {
  const probes: Probe[] = [];

  async function connectionId(clientId: string): Promise<string> {
    const client = await api.call('GET', `/${credentials.tenant}/client?clientId=${clientId}`);
    const { connection } = client as { readonly connection?: { readonly connectionId?: string } };
    if (connection?.connectionId === undefined) throw new Error(`client ${clientId} is not connected`);
    return connection.connectionId;
  }

  return {
    url,
    async connect(clientId) {
      const probe = await openClient(url, credentials, clientId);
      probes.push(probe);
      return probe;
    },
    async manage(clientId, method, body) {
      const id = encodeURIComponent(await connectionId(clientId));
      const base = url
        .replace(/^ws/, 'http')
        .replace(/[?].*$/, '')
        .replace(/\/$/, '');
      const request = {
        method,
        url: new URL(`${base}/@connections/${id}`),
        headers: {},
        ...(body === undefined ? {} : { body }),
      };
      const headers = sign === undefined ? {} : await sign(request);
      const answer = await fetch(request.url, { method, headers, ...(body === undefined ? {} : { body }) });
      return { status: answer.status, body: await answer.text() };
    },
    close() {
      for (const probe of probes) probe.close();
    },
  };
}

/** One question that the documents of AWS leave open. */
export interface Measurement {
  readonly name: string;
  readonly question: string;
  /** Time that it takes, if it is more than a few seconds. */
  readonly seconds?: number;
  run(subject: Subject): Promise<object>;
}
