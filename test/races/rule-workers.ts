import { topicPartOf } from '../../lib/aws/rule-queue.ts';
import { createContext } from '../../lib/broker/broker.ts';
import type { Ports } from '../../lib/core/ports.ts';
import type { RuleRecord } from '../../lib/core/rules.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { type TenantId, vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { serveRuleBatch } from '../../lib/rules/run/batch.ts';
import type { RuleRunContext } from '../../lib/rules/run/context.ts';
import { createRuleDefinitions } from '../../lib/rules/run/definitions.ts';
import type { DeliveryOutcome, RuleTargetPort } from '../../lib/rules/target.ts';
import { createStores } from '../../lib/store/stores.ts';
import { clientOf, MemoryDynamo, memoryTables } from './memory-dynamo.ts';
import { batchOf, type QueuedForRule } from './rule-queue.ts';
import { storeTenant } from './stored-tenant.ts';

interface Wait {
  readonly untilMs: number;
  readonly resolve: () => void;
}

/**
 * As many workers of rules as the deployment may run at a time, over a FIFO queue and the real
 * store. Nothing takes time but targets and pauses; a test says how much passes.
 */
export class RuleWorkers {
  nowMs = Date.UTC(2026, 0, 1);
  /** Time that an attempt takes, by the name of the rule. */
  readonly attemptMs = new Map<string, number>();
  /** Ids of deliveries that targets have taken, by rule, repetitions included. */
  readonly delivered = new Map<string, string[]>();
  readonly counters = new Map<string, number>();
  /** Workers that are busy with records of a rule, by its name. */
  readonly busy = new Map<string, number>();
  readonly context: RuleRunContext;
  readonly #atMost: number;
  readonly #db = new MemoryDynamo();
  /** Messages by their group, in their order. */
  readonly #groups = new Map<string, QueuedForRule[]>();
  readonly #handledGroups = new Set<string>();
  readonly #drains = new Set<string>();
  #waits: Wait[] = [];
  #running = 0;
  #sent = 0;

  constructor(atMost: number) {
    this.#atMost = atMost;
    this.context = this.#createContext();
  }

  async addRule(tenant: string, name: string): Promise<TenantId> {
    const id = vouchedTenantId(tenant);
    storeTenant((command) => this.#db.run(command), id);
    await this.context.rules.put(
      id,
      {
        name,
        filter: '#',
        send: { form: 'payload' },
        target: { kind: 'webhook', url: 'https://example.com/' },
        status: 'active',
        retryHours: 24,
        createdAtMs: this.nowMs,
      },
      [],
      0,
    );
    return id;
  }

  /** @returns the id of the delivery. */
  publish(tenant: TenantId, rule: string, topic: string): string {
    const id = `${rule}-${this.#sent}`;
    const message = { id, topic, payload: new Uint8Array(), qos: 1, retain: false, properties: {} } as const;
    const record: RuleRecord = {
      tenant,
      rule,
      lane: 'common',
      message,
      publishedAtMs: this.nowMs,
      hops: 0,
    };
    this.#send({ record }, `${tenant}/${rule} ${topicPartOf(topic)}`);
    return `${id}.${rule}`;
  }

  get queued(): number {
    return [...this.#groups.values()].reduce((sum, messages) => sum + messages.length, 0);
  }

  /** Lets free workers take batches, until none is free or nothing is left that they may take. */
  async work(): Promise<void> {
    for (;;) {
      for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) this.#serve(batch);
      const before = this.#running;
      for (let turn = 0; turn < 40; turn += 1) await new Promise(setImmediate);
      if (this.#running === before && this.#peekBatch().length === 0) return;
    }
  }

  async pass(milliseconds: number): Promise<void> {
    this.nowMs += milliseconds;
    const due = this.#waits.filter(({ untilMs }) => untilMs <= this.nowMs);
    this.#waits = this.#waits.filter(({ untilMs }) => untilMs > this.nowMs);
    for (const { resolve } of due) resolve();
    await this.work();
  }

  #wait(milliseconds: number): Promise<void> {
    if (milliseconds === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waits.push({ untilMs: this.nowMs + milliseconds, resolve }));
  }

  #send(content: QueuedForRule['content'], group: string): void {
    this.#sent += 1;
    const sequence = String(this.#sent);
    const messages = this.#groups.get(group) ?? [];
    messages.push({ id: `m${sequence}`, group, content, sequence, receiveCount: 0, visibleAtMs: 0 });
    this.#groups.set(group, messages);
  }

  /** Up to ten messages of the group that has waited longest among those that are free. */
  #peekBatch(): QueuedForRule[] {
    if (this.#running >= this.#atMost) return [];
    for (const [group, messages] of this.#groups)
      if (!this.#handledGroups.has(group) && messages.every(({ visibleAtMs }) => visibleAtMs <= this.nowMs))
        return messages.slice(0, 10);
    return [];
  }

  #nextBatch(): QueuedForRule[] {
    const batch = this.#peekBatch();
    const [first] = batch;
    if (first === undefined) return [];
    this.#handledGroups.add(first.group);
    for (const one of batch) one.receiveCount += 1;
    this.#running += 1;
    return batch;
  }

  #serve(received: readonly QueuedForRule[]): void {
    const names = new Set(
      received.map(({ content }) => ('record' in content ? content.record.rule : content.drain.rule)),
    );
    for (const name of names) this.busy.set(name, (this.busy.get(name) ?? 0) + 1);
    const receipts = {
      remove: async (ids: readonly string[]) => this.#remove(received[0]?.group ?? '', ids),
      hide: async (ids: readonly string[], seconds: number) => {
        for (const one of received) if (ids.includes(one.id)) one.visibleAtMs = this.nowMs + seconds * 1000;
      },
      pause: (milliseconds: number) => this.#wait(milliseconds),
    };
    void serveRuleBatch(this.context, batchOf(received), receipts).then((left) => {
      this.#running -= 1;
      for (const name of names) this.busy.set(name, (this.busy.get(name) ?? 0) - 1);
      const group = received[0]?.group ?? '';
      this.#handledGroups.delete(group);
      this.#remove(
        group,
        received.map(({ id }) => id).filter((id) => !left.includes(id)),
      );
    });
  }

  #remove(group: string, ids: readonly string[]): void {
    const left = (this.#groups.get(group) ?? []).filter(({ id }) => !ids.includes(id));
    // The group goes to the end: others have waited longer.
    this.#groups.delete(group);
    if (left.length > 0) this.#groups.set(group, left);
  }

  #createContext(): RuleRunContext {
    const nowMs = (): number => this.nowMs;
    const stores = createStores(
      clientOf(async (command) => this.#db.run(command)),
      memoryTables,
      nowMs,
    );
    const ignore = (): void => undefined;
    let ids = 0;
    const ports = {
      ...stores,
      usage: { count: ignore },
      clock: { nowMs },
      ids: { unique: () => `period${ids++}` },
      log: {
        debug: ignore,
        info: ignore,
        warn: ignore,
        error: ignore,
        count: (metric: string, value = 1) =>
          this.counters.set(metric, (this.counters.get(metric) ?? 0) + value),
        countRefusal: ignore,
      },
    } as unknown as Ports;
    const context = createContext(ports, defaultSettings);
    const webhook: RuleTargetPort = {
      maxBatch: 1,
      deliver: async ({ name }, deliveries): Promise<DeliveryOutcome[]> => {
        await this.#wait(this.attemptMs.get(name) ?? 0);
        this.delivered.set(name, [...(this.delivered.get(name) ?? []), ...deliveries.map(({ id }) => id)]);
        return deliveries.map(() => ({ kind: 'delivered' }));
      },
    };
    return {
      ...context,
      ruleQueue: { lanes: new Set(['common']), send: async () => undefined },
      ruleDrains: {
        send: async (drain) => {
          const name = `drain ${drain.rule} ${drain.period} ${drain.number}`;
          // The queue drops repetitions.
          if (!this.#drains.has(name)) this.#send({ drain }, name);
          this.#drains.add(name);
        },
      },
      definitions: createRuleDefinitions(context),
      targets: { webhook },
    };
  }
}
