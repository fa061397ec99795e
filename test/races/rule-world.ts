import { ruleDeduplicationId, topicPartOf } from '../../lib/aws/rule-queue.ts';
import { createContext } from '../../lib/broker/broker.ts';
import type { Message } from '../../lib/core/model.ts';
import type { Ports } from '../../lib/core/ports.ts';
import type { Rule, RuleDrain, RuleLane, RuleRecord } from '../../lib/core/rules.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createUsageMeter } from '../../lib/limits/usage-meter.ts';
import { seededRandom } from '../../lib/local/gateway/index.ts';
import { type RuleReceipts, serveRuleBatch } from '../../lib/rules/run/batch.ts';
import type { RuleRunContext } from '../../lib/rules/run/context.ts';
import { createRuleDefinitions } from '../../lib/rules/run/definitions.ts';
import type { DeliveryOutcome, RuleTargetPort } from '../../lib/rules/target.ts';
import { createStores } from '../../lib/store/stores.ts';
import { clientOf, MemoryDynamo, memoryTables } from './memory-dynamo.ts';
import { batchOf, type QueuedContent, type QueuedForRule } from './rule-queue.ts';
import { Handler, inOrder, Scheduler, type Step } from './scheduler.ts';
import { storeTenant } from './stored-tenant.ts';

/** Processes that run workers, each with its own caches. */
const instances = 2;
/** What Lambda gives a function, and what SQS hides a message for, in ms. */
const functionMs = 30_000;
const visibilityMs = 180_000;

/** Workers of one rule over the real store; a scheduler controls queue, target and time. */
export class RuleWorld {
  readonly scheduler = new Scheduler(inOrder);
  readonly db = new MemoryDynamo();
  readonly tenant = vouchedTenantId('tenant');
  readonly violations: string[] = [];
  readonly counters = new Map<string, number>();
  /** Ids of deliveries as the target took them, repetitions included. */
  readonly delivered: string[] = [];
  /** Number of calls of each finished worker, by its name. */
  readonly handled = new Map<string, number>();
  readonly events: Step[] = [];
  /** What the target answers. */
  answer: (topic: string) => DeliveryOutcome = () => ({ kind: 'delivered' });
  crash: { readonly handler: string; readonly call: number } | undefined;
  nowMs = Date.UTC(2026, 0, 1);
  readonly random: () => number;
  readonly stores: ReturnType<typeof createStores>;
  readonly contexts: RuleRunContext[];
  /** For operations of the admin API, which no scheduler holds. */
  readonly operator: RuleRunContext;
  /** Of the requests to drain that were sent. */
  readonly lanes: string[] = [];
  /** What failed inside a worker. */
  readonly errors: string[] = [];
  /** Runs when workers or operators have sent records. */
  afterSend: (() => Promise<void>) | undefined;
  readonly #lanes = new Set<RuleLane>(['common', 'kafka']);
  readonly #queue: QueuedForRule[] = [];
  readonly #seen = new Set<string>();
  readonly #startedAtMs = new Map<string, number>();
  #sent = 0;
  #ids = 0;
  #workers = 0;
  #published = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const nowMs = (): number => this.nowMs;
    this.stores = createStores(
      clientOf(async (command) => this.db.run(command)),
      memoryTables,
      nowMs,
    );
    const held = clientOf((command) => this.scheduler.hold(labelOf(command), () => this.db.run(command)));
    this.contexts = Array.from({ length: instances }, () => this.#context(held));
    this.operator = {
      ...this.#context(clientOf(async (command) => this.db.run(command))),
      ruleDrains: { send: async (drain) => this.#sendDrain(drain) },
    };
    this.setTenantStatus('active');
    this.scheduler.environment = () => this.#steps();
  }

  setTenantStatus(status: 'active' | 'suspended'): void {
    storeTenant((command) => this.db.run(command), this.tenant, status);
  }

  async storeRule(changes: Partial<Rule> = {}): Promise<void> {
    const rule: Rule = {
      name: 'r',
      filter: '#',
      send: { form: 'payload' },
      target: { kind: 'webhook', url: 'https://example.com/' },
      status: 'active',
      retryHours: 24,
      createdAtMs: this.nowMs,
      ...changes,
    };
    await this.stores.rules.put(this.tenant, rule, [], 0);
  }

  /** Sends a record of a new message to the queue. @returns the id of its delivery. */
  publish(topic: string, changes: Partial<RuleRecord> = {}): string {
    this.#published += 1;
    const message: Message = {
      id: String(this.#published).padStart(4, '0'),
      topic,
      payload: new Uint8Array(),
      qos: 1,
      retain: false,
      properties: {},
    };
    const { tenant, nowMs: publishedAtMs } = this;
    const common = { tenant, rule: 'r', lane: 'common', message, publishedAtMs, hops: 0 } as const;
    const record: RuleRecord = { ...common, ...changes };
    this.#send({ record }, `common ${ruleDeduplicationId(record)}`, `common strand ${topicPartOf(topic)}`);
    return `${message.id}.r`;
  }

  /** Adds a step that lets time pass, possible while no worker would become too old. */
  passTime(milliseconds: number): void {
    this.events.push({
      actor: 'clock',
      label: `goes on by ${milliseconds} ms`,
      ready: () => [...this.#startedAtMs.values()].every((at) => this.nowMs + milliseconds - at < functionMs),
      run: () => {
        this.nowMs += milliseconds;
      },
    });
  }

  /** The deployment serves only these lanes. */
  lanesOf(lanes: readonly RuleLane[]): void {
    this.#lanes.clear();
    for (const lane of lanes) this.#lanes.add(lane);
  }

  get queued(): number {
    return this.#queue.length;
  }

  waitingRows(): string[] {
    return this.db.rows('messages', 'w#').map((row) => row.id?.S ?? '');
  }

  /** Lets a long time pass, until nothing is left to do. */
  async settle(rounds = 40): Promise<void> {
    this.scheduler.chooser = inOrder;
    for (let round = 0; round < rounds; round += 1) {
      await this.scheduler.run();
      if (this.queued === 0) return;
      this.nowMs += 1_000_000;
    }
  }

  #send(content: QueuedContent, deduplicationId: string, group: string): void {
    if (this.#seen.has(deduplicationId)) return;
    this.#seen.add(deduplicationId);
    this.#sent += 1;
    this.#queue.push({
      id: `m${this.#sent}`,
      content,
      group,
      sequence: String(this.#sent),
      receiveCount: 0,
      visibleAtMs: 0,
    });
  }

  #sendDrain(drain: RuleDrain): void {
    this.lanes.push(drain.lane);
    const name = `d${drain.period} ${drain.number}`;
    this.#send({ drain }, name, name);
  }

  #context(client: ReturnType<typeof clientOf>): RuleRunContext {
    const nowMs = (): number => this.nowMs;
    const stores = createStores(client, memoryTables, nowMs, this.random);
    const ignore = (): void => undefined;
    const ports = {
      ...stores,
      usage: createUsageMeter(stores.usageStore, nowMs),
      clock: { nowMs },
      random: this.random,
      ids: {
        unique: () => {
          this.#ids += 1;
          return String(this.#ids).padStart(26, '0');
        },
      },
      log: {
        debug: ignore,
        info: ignore,
        warn: ignore,
        error: (text: string, fields: object) => {
          this.errors.push(`${text} ${JSON.stringify(fields)}`);
        },
        count: (metric: string, value = 1) => {
          this.counters.set(metric, (this.counters.get(metric) ?? 0) + value);
        },
        countRefusal: ignore,
      },
    } as unknown as Ports;
    const context = createContext(ports, { ...defaultSettings, ruleCircuitFailures: 2 });
    const target: RuleTargetPort = {
      maxBatch: 2,
      deliver: (_, deliveries) =>
        this.scheduler.hold(`deliver ${deliveries.map(({ id }) => id).join(' ')}`, () => {
          const outcomes: DeliveryOutcome[] = [];
          for (const { id, event } of deliveries) {
            const stop = outcomes.find(({ kind }) => kind !== 'delivered');
            const outcome = stop ?? this.answer(event.topic);
            outcomes.push(outcome);
            if (outcome.kind === 'delivered') this.delivered.push(id);
          }
          return outcomes;
        }),
    };
    return {
      ...context,
      ruleQueue: {
        lanes: this.#lanes,
        send: async (records) => {
          for (const record of records)
            this.#send(
              { record },
              `${record.lane} ${ruleDeduplicationId(record)}`,
              `${record.lane} strand ${topicPartOf(record.message.topic)}`,
            );
          await this.afterSend?.();
        },
      },
      ruleDrains: {
        send: (drain) => this.scheduler.hold(`send drain ${drain.number}`, () => this.#sendDrain(drain)),
      },
      definitions: createRuleDefinitions(context),
      targets: Object.defineProperty({ webhook: target }, 'kafka', {
        get: () => (this.#lanes.has('kafka') ? target : undefined),
      }),
    };
  }

  /** Groups whose messages are all visible and not being handled. */
  #ready(): string[] {
    const groups = new Map<string, boolean>();
    for (const { group, visibleAtMs, receiveCount } of this.#queue) {
      const isFree = visibleAtMs <= this.nowMs;
      groups.set(group, (groups.get(group) ?? true) && (isFree || receiveCount === 0));
    }
    return [...groups].filter(([, isFree]) => isFree).map(([name]) => name);
  }

  #steps(): Step[] {
    const once = this.events.map((step) => ({
      ...step,
      run: () => {
        this.events.splice(this.events.indexOf(step), 1);
        step.run();
      },
    }));
    const ready = this.#ready();
    const receives = ready.map((group) => ({
      actor: 'queue',
      label: `hands out ${group}`,
      run: () => this.#receive(ready.length > 1 && this.random() < 0.3 ? ready : [group]),
    }));
    return [...receives, ...once].filter(({ ready: isReady = () => true }: Step) => isReady());
  }

  #receive(groups: readonly string[]): void {
    const received = this.#queue.filter(({ group }) => groups.includes(group)).slice(0, 10);
    for (const one of received) {
      one.receiveCount += 1;
      one.visibleAtMs = this.nowMs + visibilityMs;
    }
    this.#workers += 1;
    const handler = new Handler(`worker ${this.#workers}`);
    if (this.crash?.handler === handler.name) handler.crashAt = this.crash.call;
    this.#startedAtMs.set(handler.name, this.nowMs);
    const byId = new Map(received.map((one) => [one.id, one]));
    const remove = (ids: readonly string[]) => {
      for (const id of ids) {
        const index = this.#queue.findIndex((one) => one.id === id);
        if (index >= 0) this.#queue.splice(index, 1);
      }
    };
    const receipts: RuleReceipts = {
      remove: (ids) => this.scheduler.hold('delete messages', () => remove(ids)),
      hide: (ids, seconds) =>
        this.scheduler.hold('hide messages', () => {
          for (const id of ids) {
            const one = byId.get(id);
            if (one !== undefined) one.visibleAtMs = this.nowMs + seconds * 1000;
          }
        }),
      pause: (milliseconds) => this.scheduler.hold(`${milliseconds} ms pass`, () => undefined),
    };
    const context = this.contexts[Math.floor(this.random() * instances)];
    if (context === undefined) throw new RangeError('no instance');
    const result = this.scheduler.start(handler, () => serveRuleBatch(context, batchOf(received), receipts));
    result.then(
      (left) => {
        this.#startedAtMs.delete(handler.name);
        this.handled.set(handler.name, handler.calls.length);
        remove(received.map(({ id }) => id).filter((id) => !left.includes(id)));
      },
      (error: unknown) => {
        this.#startedAtMs.delete(handler.name);
        if (!handler.crashed) this.violations.push(`a worker failed: ${String(error)}`);
        for (const one of received) one.visibleAtMs = this.nowMs;
      },
    );
  }
}

function labelOf(command: {
  readonly input: object;
  readonly constructor: { readonly name: string };
}): string {
  return command.constructor.name.replace('Command', '');
}
