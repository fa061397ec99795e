import { createFanoutHandler } from '../../functions/fanout.ts';
import { type Broker, createBroker, createContext } from '../../lib/broker/broker.ts';
import { firstEdgeLook } from '../../lib/broker/edge-death.ts';
import type { Context } from '../../lib/core/context.ts';
import { channelsPerBlock, edgeAddress, edgeAddressParts } from '../../lib/core/edge-address.ts';
import type { ConnectionAddress } from '../../lib/core/model.ts';
import type { Gateway, Log } from '../../lib/core/ports.ts';
import type { RuleRecord } from '../../lib/core/rules.ts';
import { defaultSettings, type Settings } from '../../lib/core/settings.ts';
import type { EdgeStore } from '../../lib/core/store-ports/edges.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import type { ScheduledTimer } from '../../lib/core/timers.ts';
import { createUsageMeter } from '../../lib/limits/usage-meter.ts';
import { seededRandom } from '../../lib/local/gateway/index.ts';
import { createStores } from '../../lib/store/stores.ts';
import { Client, type ClientOptions, type Socket } from './client.ts';
import { FanoutGroups } from './fanout-groups.ts';
import { type Command, clientOf, MemoryDynamo, memoryTables } from './memory-dynamo.ts';
import { Handler, inOrder, Scheduler, type Step } from './scheduler.ts';
import { storeTenant } from './stored-tenant.ts';

/** Processes that run handlers, each with its own caches. */
const instances = 2;

/** Faults besides the order of steps. */
export interface Faults {
  /** How often `$disconnect` arrives for an ended connection. Default: once. */
  readonly disconnects?: (address: ConnectionAddress) => number;
  /** Runs the handler of every frame twice, sequentially or concurrently. */
  readonly twice?: 'sequentially' | 'concurrently';
  /** Stops a handler before its call with this number. */
  readonly crash?: { readonly handler: string; readonly call: number };
  /** Stops the next handler before a call with this label, once. */
  readonly crashBefore?: string;
  readonly failPost?: (address: ConnectionAddress) => boolean;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly settings?: Partial<Settings>;
  readonly faults?: Faults;
  /** When the queue delivers a timer again whose handler died or failed. Default: at once. */
  readonly redeliveryMs?: number;
  /** Intercepts every command; `run` executes it. */
  readonly observe?: (command: Command, run: () => object) => object;
}

/** Deliveries of a timer before it goes to the dead-letter queue. */
const maxReceiveCount = 5;

/** The broker over its real stores; a scheduler controls clients, network and time. */
export class World {
  readonly scheduler = new Scheduler(inOrder);
  readonly db = new MemoryDynamo();
  readonly sockets = new Map<ConnectionAddress, Socket>();
  readonly clients: Client[] = [];
  readonly timers: ScheduledTimer[] = [];
  readonly fanout = new FanoutGroups();
  /** What the rule queue has got, repetitions included. */
  readonly ruleRecords: RuleRecord[] = [];
  readonly violations: string[] = [];
  readonly counters = new Map<string, number>();
  readonly errors: unknown[] = [];
  /** Labels of the calls of each finished handler, by its name. */
  readonly handled = new Map<string, readonly string[]>();
  readonly tenant = vouchedTenantId('tenant');
  nowMs = Date.UTC(2026, 0, 1);
  /** Events besides the clients' actions; each happens once, when the scheduler picks it. */
  readonly events: Step[] = [];
  faults: Faults = {};
  postCount = 0;
  readonly #brokers: (Broker & { readonly context: Context })[];
  readonly random: () => number;
  /** Whether the gateway counts posts as activity. If so, every connection has just been active. */
  postsAreActivity = true;
  readonly #receivedAtMs = new Map<ConnectionAddress, number>();
  readonly #replies: Step[] = [];
  /** When the running handlers started, by name. */
  readonly #startedAtMs = new Map<string, number>();
  #ids = 0;
  #handlers = 0;
  readonly #redeliveryMs: number;
  /** How often handlers of timers have failed. */
  readonly #failedTimers = new Map<ScheduledTimer, number>();
  /** Next channel of each edge that lives. */
  readonly #channels = new Map<string, number>();
  readonly #edges: EdgeStore;

  constructor(options: WorldOptions = {}) {
    this.random = seededRandom(options.seed ?? 0);
    const { observe = (_, run) => run(), redeliveryMs = 0 } = options;
    this.#redeliveryMs = redeliveryMs;
    const execute = (command: Command): object => observe(command, () => this.db.run(command));
    const client = clientOf((command) => this.scheduler.hold(labelOf(command), () => execute(command)));
    const nowMs = (): number => this.nowMs;
    this.#edges = createStores(
      clientOf(async (command) => execute(command)),
      memoryTables,
      nowMs,
    ).edges;
    this.#brokers = Array.from({ length: instances }, () => {
      const stores = createStores(client, memoryTables, nowMs, this.random);
      const context = createContext(
        {
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
          authenticator: {
            verify: async () => ({
              tenant: this.tenant,
              grants: [{ effect: 'allow', action: 'all', filter: '#' }],
            }),
          },
          gateway: this.#gateway(),
          fanout: {
            send: async (slices) => {
              await Promise.all(
                slices.map((slice) =>
                  this.scheduler.hold(`fan-out ${slice.messageIds.join(' ')} ${slice.slice}`, () =>
                    this.fanout.send(slice),
                  ),
                ),
              );
            },
          },
          ruleQueue: {
            lanes: new Set(['common', 'kafka']),
            send: (records) =>
              this.scheduler.hold(`rules ${records.map(({ message }) => message.id).join(' ')}`, () => {
                this.ruleRecords.push(...records);
              }),
          },
          timers: {
            schedule: (timer, dueAtMs) =>
              this.scheduler.hold(`timer ${timer.kind}`, () => {
                this.timers.push({ timer, dueAtMs });
              }),
            scheduleAll: (timers) =>
              this.scheduler.hold('timers', () => {
                this.timers.push(...timers);
              }),
          },
          events: { put: async () => undefined },
          log: this.#log(),
        },
        { ...defaultSettings, ...options.settings },
      );
      return Object.assign(createBroker(context), { context });
    });
    storeTenant(execute, this.tenant);
    this.scheduler.environment = () => this.#steps();
  }

  /** Starts an edge process. Its channels are spread over blocks, so that a sweep has several. */
  async startEdge(edge: string): Promise<void> {
    await this.#edges.begin(edge, `door-of-${edge}`, this.nowMs);
    await this.#edges.registerDoor(edge, `door-of-${edge}`);
    for (const block of [0, 1, 2, 3]) await this.#edges.addBlock(edge, block);
    this.timers.push({ timer: firstEdgeLook(edge), dueAtMs: this.nowMs });
    this.#channels.set(edge, 0);
  }

  /** SIGKILL: nobody hears of it but those who look at the lease. */
  killEdge(edge: string): void {
    this.#channels.delete(edge);
    for (const [address, socket] of this.sockets)
      if (edgeAddressParts(address)?.edge === edge && socket.state === 'open') socket.state = 'lost';
  }

  edgeAddress(edge: string): ConnectionAddress {
    const channel = this.#channels.get(edge);
    if (channel === undefined) throw new RangeError(`${edge} is dead`);
    this.#channels.set(edge, (channel + channelsPerBlock) % (4 * channelsPerBlock - 1));
    return edgeAddress(edge, channel);
  }

  /** Connections, leases and blocks of an edge that are still stored. */
  rowsOfEdge(edge: string): string[] {
    return this.db
      .rows('connections')
      .filter((row) => row.address?.S?.startsWith(`e:${edge}`) && row.dead === undefined)
      .map((row) => row.address?.S ?? '');
  }

  violation(text: string): void {
    this.violations.push(text);
  }

  client(options: ClientOptions): Client {
    const client = new Client(this, options);
    this.clients.push(client);
    return client;
  }

  /** Runs all possible steps, in order. */
  async settle(): Promise<void> {
    this.scheduler.chooser = inOrder;
    await this.scheduler.run();
  }

  /** Passes a frame to the broker; its reply becomes a step of the client. */
  frame(socket: Socket, text: string): void {
    this.#receivedAtMs.set(socket.address, this.nowMs);
    const run = (): Promise<string> =>
      this.#start(socket.client.options.id, (broker) => broker.message(socket.address, text));
    // A second CONNECT is a protocol error. [MQTT-3.1.0-2 v3+v5]
    const twice = socket.accepted ? this.faults.twice : undefined;
    const replied =
      twice === undefined
        ? run()
        : twice === 'concurrently'
          ? Promise.all([run(), this.#later(socket, run)]).then(([, second]) => second)
          : run().then(run);
    const answer = (reply: string | undefined): void => {
      if (socket.state !== 'open') {
        socket.frameUnderWay = false;
        return;
      }
      this.#replies.push({
        actor: socket.client.options.id,
        label: reply === undefined ? 'hears of a failure' : 'gets a reply',
        run: () => socket.client.reply(socket, reply),
      });
    };
    replied.then(answer, () => answer(undefined));
  }

  /** How many handlers have been started; their names end with their number. */
  get handlers(): number {
    return this.#handlers;
  }

  /** Starts a handler of another function over the same service. */
  call<T>(name: string, work: (context: Context) => Promise<T>): Promise<T> {
    return this.#start(name, ({ context }) => work(context));
  }

  /** Passes a one-way frame to the broker; it has no reply. */
  oneWay(socket: Socket, text: string): void {
    this.#run(`${socket.client.options.id} one-way`, (broker) => broker.oneWay(socket.address, text));
  }

  /** Starts a handler in a separate step. */
  #later<T>(socket: Socket, run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.events.push({
        actor: `again ${socket.address}`,
        label: 'runs',
        run: () => {
          run().then(resolve, reject);
        },
      });
    });
  }

  /** A connection has ended; `$disconnect` arrives as often as the faults configure. */
  lose(socket: Socket, reason = 'network lost'): void {
    if (socket.state !== 'open') return;
    socket.state = 'lost';
    this.scheduler.trace.push(`${socket.address}: ${reason}`);
    this.#announce(socket);
  }

  /**
   * Adds a step that lets time pass, possible once no handler would become older than a function
   * may: Lambda stops it after 30 seconds.
   */
  passTime(milliseconds: number): void {
    this.events.push({
      actor: 'clock',
      label: `goes on by ${milliseconds} ms`,
      ready: () => [...this.#startedAtMs.values()].every((at) => this.nowMs + milliseconds - at < 30_000),
      run: () => this.advance(milliseconds),
    });
  }

  /** Fires due timers, as steps. Edges that live have renewed their leases. */
  advance(milliseconds: number): void {
    this.nowMs += milliseconds;
    for (const edge of this.#channels.keys()) void this.#edges.renew(edge, `door-of-${edge}`, this.nowMs);
  }

  #announce(socket: Socket): void {
    const times = this.faults.disconnects?.(socket.address) ?? 1;
    for (let time = 0; time < times; time += 1)
      this.events.push({
        actor: `$disconnect ${socket.address}`,
        label: 'comes',
        run: () => {
          socket.state = 'closed';
          this.#run(`$disconnect ${socket.address}`, (broker) => broker.disconnected(socket.address));
        },
      });
  }

  #run(name: string, work: (broker: Broker) => Promise<unknown>): void {
    this.#start(name, work).catch(() => undefined);
  }

  #start<T>(name: string, work: (broker: Broker & { context: Context }) => Promise<T>): Promise<T> {
    this.#handlers += 1;
    const handler = new Handler(`${name}#${this.#handlers}`);
    const { crash } = this.faults;
    if (crash?.handler === handler.name) handler.crashAt = crash.call;
    const broker = this.#brokers[Math.floor(this.random() * instances)];
    if (broker === undefined) throw new RangeError('no instance');
    handler.crashBefore = crash === undefined ? this.faults.crashBefore : undefined;
    this.#startedAtMs.set(handler.name, this.nowMs);
    const result = this.scheduler.start(handler, () => work(broker));
    const ends = () => this.#startedAtMs.delete(handler.name);
    result.then(ends, ends);
    result.then(
      () => this.handled.set(handler.name, handler.calls),
      (error: unknown) => {
        if (handler.crashed) return;
        this.errors.push(error);
        this.scheduler.trace.push(`${handler.name} failed: ${error instanceof Error ? error.stack : error}`);
      },
    );
    return result;
  }

  #gateway(): Gateway {
    return {
      post: (address, text) =>
        this.scheduler.hold(`post to ${address}`, () => {
          const socket = this.sockets.get(address);
          this.postCount += 1;
          if (socket === undefined || socket.state === 'closed') return 'gone';
          if (this.#isOfDeadEdge(socket)) return 'gone';
          if (this.faults.failPost?.(address) === true) return 'failed';
          if (socket.state === 'open') socket.client.push(socket, text);
          return 'sent';
        }),
      close: (address) =>
        this.scheduler.hold(`close ${address}`, () => {
          const socket = this.sockets.get(address);
          if (socket === undefined || socket.state === 'closed') return false;
          const wasOpen = socket.state === 'open';
          socket.state = 'closed';
          if (wasOpen) this.#announce(socket);
          return true;
        }),
      lastActiveAtMs: (address) =>
        this.scheduler.hold(`activity of ${address}`, () => {
          const socket = this.sockets.get(address);
          if (socket?.state === 'closed' || (socket !== undefined && this.#isOfDeadEdge(socket)))
            return undefined;
          return this.postsAreActivity ? this.nowMs : this.#receivedAtMs.get(address);
        }),
    };
  }

  /** As the gateway sees it: only once the edge has been declared dead. */
  #isOfDeadEdge({ address }: Socket): boolean {
    const edge = edgeAddressParts(address)?.edge;
    const isLease = (row: { address?: { S?: string } }) => row.address?.S === `e:${edge}`;
    return edge !== undefined && this.db.rows('connections').find(isLease)?.dead !== undefined;
  }

  #log(): Log {
    const ignore = (): void => undefined;
    return {
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: ignore,
      count: (metric, value = 1) => {
        this.counters.set(metric, (this.counters.get(metric) ?? 0) + value);
      },
      countRefusal: ignore,
    };
  }

  #steps(): Step[] {
    const once = (list: Step[]): Step[] =>
      list.map((step) => ({
        ...step,
        run: () => {
          list.splice(list.indexOf(step), 1);
          step.run();
        },
      }));
    const due = this.timers
      .filter(({ dueAtMs }) => dueAtMs <= this.nowMs)
      .map(
        (entry): Step => ({
          actor: `timer ${entry.timer.kind}`,
          label: 'fires',
          run: () => {
            this.timers.splice(this.timers.indexOf(entry), 1);
            const handled = this.#start(`timer ${entry.timer.kind}`, async (broker) => {
              const [outcome] = await broker.timers([entry]);
              if (outcome?.status === 'rejected') throw outcome.reason;
            });
            // The queue delivers it again, and gives it up in the end.
            handled.catch(() => {
              const attempts = (this.#failedTimers.get(entry) ?? 0) + 1;
              const again = { ...entry, dueAtMs: Math.max(entry.dueAtMs, this.nowMs + this.#redeliveryMs) };
              this.#failedTimers.set(again, attempts);
              if (attempts < maxReceiveCount) this.timers.push(again);
            });
          },
        }),
      );
    const slices = this.fanout.ready().map(
      (group): Step => ({
        actor: `fan-out ${group}`,
        label: 'begins',
        run: () => {
          const work = this.fanout.receive(group);
          this.#start(`fan-out ${group}`, (broker) =>
            createFanoutHandler(() => this.#worker(broker))(work.event),
          ).then(
            ({ batchItemFailures }) =>
              work.end(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)),
            () => work.end(),
          );
        },
      }),
    );
    return [
      ...once(this.#replies),
      ...this.clients.flatMap((client) => client.steps()),
      ...once(this.events).filter(({ ready }) => ready?.() ?? true),
      ...due,
      ...slices,
    ];
  }

  #worker(
    broker: Broker,
  ): Parameters<typeof createFanoutHandler>[0] extends () => infer Service ? Service : never {
    return { broker, log: this.#log(), flush: async () => undefined, returnSlices: async () => undefined };
  }
}

function labelOf(command: Command): string {
  const { Key, Item, ExpressionAttributeValues, UpdateExpression } = command.input as Record<
    string,
    Record<string, { S?: string }> | undefined
  >;
  const name = command.constructor.name.replace('Command', '');
  const key = Key ?? Item ?? ExpressionAttributeValues ?? {};
  const detail = [key.session?.S ?? key.address?.S ?? key.filter?.S, key.kind?.S ?? key.client?.S]
    .filter((part) => part !== undefined)
    .join(' ');
  return `${name} ${detail} ${typeof UpdateExpression === 'string' ? UpdateExpression : ''}`.trim();
}
