import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ClientKey, ConnectionAddress, Qos, Session, Will } from '../core/model.ts';
import type { SessionStore } from '../core/store-ports.ts';
import {
  type Item,
  item,
  known,
  N,
  NS,
  number,
  optional,
  optionalNumber,
  S,
  string,
  unlessUnreadable,
  version,
} from './attributes.ts';
import { sessionKey } from './keys.ts';
import { messageAttributes, messageFrom } from './message-item.ts';
import { RouteCache } from './routes.ts';
import { kinds, routeOf, sessionFrom, sessionItem, sessionTtlSeconds } from './session-item.ts';
import { Table } from './table.ts';

const subscriptionPrefix = kinds.subscription('');
/** Marks of inbound QoS 2 messages outlive every sensible reconnection; a session's end removes them earlier. */
const receivedTtlSeconds = 7 * 86_400;

/**
 * Table Sessions, all but the queue (see queue.ts): `tenant/clientId` / kind → the session row, its list of
 * subscriptions, its Will, its inbound QoS 2 marks.
 */
export function sessionStore(client: DynamoDBClient, tableName: string, nowMs: () => number): SessionStore {
  const table = new Table(client, tableName);
  const routes = new RouteCache(nowMs);

  return {
    async get(key) {
      const found = await table.get(rowKey(key, kinds.session), true);
      return found === undefined ? undefined : sessionFrom(found);
    },

    async routes(tenant, clientIds) {
      const found = routes.take(tenant, clientIds);
      const missing = clientIds.filter((clientId) => !found.has(clientId));
      if (missing.length === 0) return found;
      const rows = await table.getMany(
        missing.map((clientId) => rowKey({ tenant, clientId }, kinds.session)),
      );
      for (const row of rows) {
        const session = unlessUnreadable(() => sessionFrom(row));
        const route = session === undefined ? undefined : routeOf(session);
        if (session === undefined || route === undefined) continue;
        routes.set(tenant, session.clientId, route);
        found.set(session.clientId, route);
      }
      return found;
    },

    forgetRoute(key) {
      routes.delete(key);
    },

    async replace(session, previous) {
      routes.delete(session);
      return table.putIf(
        sessionItem(session),
        previous === undefined
          ? { condition: 'attribute_not_exists(kind)' }
          : {
              condition: `generation = :generation AND seq = :seq AND claims = :claims AND ${holds(previous.address)}`,
              values: {
                ':generation': S(previous.generation),
                ':seq': N(previous.sequence),
                ':claims': N(previous.claimVersion),
                ...(previous.address === undefined ? {} : { ':address': S(previous.address) }),
              },
            },
      );
    },

    async allocate(key, generation, count) {
      const updated = await table.update(
        rowKey(key, kinds.session),
        {
          update: 'ADD seq :count',
          condition: 'generation = :generation',
          values: { ':count': N(count), ':generation': S(generation) },
        },
        'ALL_NEW',
      );
      return updated === undefined ? undefined : sessionFrom(updated);
    },

    async setRecount(key, generation, recountAtSequence) {
      await table.update(rowKey(key, kinds.session), {
        update: 'SET recount = :recount',
        condition: 'generation = :generation',
        values: { ':recount': N(recountAtSequence), ':generation': S(generation) },
      });
    },

    async claim(session, change) {
      if (session.address === undefined) return undefined;
      const attributes = {
        claims: N(session.claimVersion + 1),
        mode: S(change.mode),
        claimedBy: S(change.claimedBy),
        inFlight: change.inFlight.size === 0 ? undefined : NS(change.inFlight),
        resent: change.resent.size === 0 ? undefined : NS(change.resent),
        opened: change.opened.size === 0 ? undefined : NS(change.opened),
        sending: optional(change.sendingUntilMs, N),
      };
      const sets = Object.entries(attributes).filter(([, value]) => value !== undefined);
      const removed = Object.entries(attributes).filter(([, value]) => value === undefined);
      const updated = await table.update(
        rowKey(session, kinds.session),
        {
          update:
            `SET ${sets.map(([name]) => `#${name} = :${name}`).join(', ')}` +
            (removed.length === 0 ? '' : ` REMOVE ${removed.map(([name]) => `#${name}`).join(', ')}`),
          condition: `#claims = :old AND address = :address${change.onlyAtSequence ? ' AND seq = :seq' : ''}`,
          names: Object.fromEntries([...sets, ...removed].map(([name]) => [`#${name}`, name])),
          values: {
            ...item(Object.fromEntries(sets.map(([name, value]) => [`:${name}`, value]))),
            ':old': N(session.claimVersion),
            ':address': S(session.address),
            ...(change.onlyAtSequence ? { ':seq': N(session.sequence) } : {}),
          },
        },
        'ALL_NEW',
      );
      return updated === undefined ? undefined : sessionFrom(updated);
    },

    async markOffline(key, address, change) {
      routes.delete(key);
      const ttl = sessionTtlSeconds(change.expirySeconds, change.expiresAtMs);
      // Tells this call's own write, repeated because its answer was lost, from another call for the same connection.
      const leftIn = S(randomUUID());
      const updated = await table.update(
        rowKey(key, kinds.session),
        {
          update:
            'SET expires = :expires, expiry = :expiry, #mode = :queued, leftBy = :address, leftIn = :leftIn' +
            `${ttl === undefined ? '' : ', #ttl = :ttl'} REMOVE address${ttl === undefined ? ', #ttl' : ''}`,
          condition: 'address = :address OR leftIn = :leftIn',
          names: { '#mode': 'mode', '#ttl': 'ttl' },
          values: {
            ':expires': N(change.expiresAtMs),
            ':expiry': N(change.expirySeconds),
            ':queued': S('queued'),
            ':address': S(address),
            ':leftIn': leftIn,
            ...(ttl === undefined ? {} : { ':ttl': N(ttl) }),
          },
        },
        'ALL_NEW',
      );
      if (updated !== undefined) return { session: sessionFrom(updated), first: true };
      const found = await table.get(rowKey(key, kinds.session), true);
      if (found === undefined || found.address !== undefined || found.leftBy?.S !== address) return undefined;
      return { session: sessionFrom(found), first: false };
    },

    async markSwept(key, generation) {
      routes.delete(key);
      await table.update(rowKey(key, kinds.session), {
        update: 'SET swept = :true',
        condition: 'generation = :generation AND attribute_not_exists(address)',
        values: { ':generation': S(generation), ':true': { BOOL: true } },
      });
    },

    async listSubscriptions(key) {
      const found: { filter: string; generation: string; qos?: Qos }[] = [];
      for await (const row of table.items(prefixQuery(key, subscriptionPrefix))) {
        const qos = optionalNumber(row, 'qos');
        found.push({
          filter: string(known(row), 'kind').slice(subscriptionPrefix.length),
          generation: string(row, 'generation'),
          ...(qos === undefined ? {} : { qos: qos as Qos }),
        });
      }
      return found;
    },

    async putSubscription(key, filter, generation, qos) {
      await table.put({
        ...rowKey(key, kinds.subscription(filter)),
        v: version,
        generation: S(generation),
        ...item({ qos: optional(qos, N) }),
      });
    },

    async countSubscriptions(key, limit) {
      const page = await table.page({
        ...prefixQuery(key, subscriptionPrefix),
        Select: 'COUNT',
        Limit: limit,
      });
      return page.count;
    },

    async deleteSubscription(key, filter, generation) {
      await table.deleteIf(rowKey(key, kinds.subscription(filter)), {
        condition: 'generation = :generation',
        values: { ':generation': S(generation) },
      });
    },

    async putWill(key, address, generation, will) {
      await table.put({
        ...rowKey(key, kinds.will(address)),
        v: version,
        address: S(address),
        generation: S(generation),
        delay: N(will.delaySeconds),
        ...item({ messageExpiry: optional(will.messageExpirySeconds, N) }),
        ...messageAttributes(will.message),
      });
    },

    async getWill(key, address) {
      const found = await table.get(rowKey(key, kinds.will(address)), true);
      return found === undefined ? undefined : willFrom(found).will;
    },

    async listWills(key) {
      const found = [];
      for await (const row of table.items(prefixQuery(key, kinds.will('')))) found.push(willFrom(row));
      return found;
    },

    async takeWill(key, address) {
      return table.deleteIf(rowKey(key, kinds.will(address)), { condition: 'attribute_exists(kind)' });
    },

    async keepChoice(publisher, name, choice, failed) {
      const rowKeys = rowKey(publisher, kinds.choice(name));
      const kept = await table.putIf(
        {
          ...rowKeys,
          v: version,
          choice: S(choice),
          ttl: N(Math.ceil(nowMs() / 1000) + receivedTtlSeconds),
        },
        {
          condition: `attribute_not_exists(kind)${failed === undefined ? '' : ' OR choice = :failed'}`,
          ...(failed === undefined ? {} : { values: { ':failed': S(failed) } }),
        },
      );
      if (kept) return choice;
      const stored = await table.get(rowKeys, true);
      return stored === undefined ? choice : string(known(stored), 'choice');
    },

    async markReceived(key, generation, packetIdentifier, messageId) {
      const rowKeys = rowKey(key, kinds.received(packetIdentifier));
      const values = { ':generation': S(generation) };
      const first = await table.putIf(
        {
          ...rowKeys,
          v: version,
          id: S(messageId),
          generation: S(generation),
          ttl: N(Math.ceil(nowMs() / 1000) + receivedTtlSeconds),
        },
        { condition: 'attribute_not_exists(kind) OR generation <> :generation', values },
      );
      if (first) return { messageId, first };
      const stored = await table.get(rowKeys, true);
      const marked = stored === undefined ? messageId : string(known(stored), 'id');
      // Its own id: the client has repeated a write whose answer was lost.
      return { messageId: marked, first: marked === messageId };
    },

    async deleteReceived(key, generation, packetIdentifier) {
      return table.deleteIf(rowKey(key, kinds.received(packetIdentifier)), {
        condition: 'generation = :generation',
        values: { ':generation': S(generation) },
      });
    },

    async countReceived(key, limit) {
      const page = await table.page({ ...prefixQuery(key, 'r#'), Select: 'COUNT', Limit: limit });
      return page.count;
    },
  };
}

function willFrom(stored: Item): { will: Will; address: ConnectionAddress; generation: string } {
  const messageExpirySeconds = optionalNumber(known(stored), 'messageExpiry');
  return {
    address: string(stored, 'address') as ConnectionAddress,
    generation: string(stored, 'generation'),
    will: {
      delaySeconds: number(stored, 'delay'),
      message: messageFrom(stored),
      ...(messageExpirySeconds === undefined ? {} : { messageExpirySeconds }),
    },
  };
}

/** The key of one row in a session's partition. */
export function rowKey(key: ClientKey, kind: string): Item {
  return { session: S(sessionKey(key)), kind: S(kind) };
}

/** A consistent Query for the rows of a session whose kind begins with `prefix`. */
export function prefixQuery(key: ClientKey, prefix: string) {
  return {
    KeyConditionExpression: '#session = :session AND begins_with(kind, :prefix)',
    ExpressionAttributeNames: { '#session': 'session' },
    ExpressionAttributeValues: { ':session': S(sessionKey(key)), ':prefix': S(prefix) },
    ConsistentRead: true,
  };
}

function holds(address: Session['address']): string {
  return address === undefined ? 'attribute_not_exists(address)' : 'address = :address';
}
