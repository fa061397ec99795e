import { afterEach } from 'vitest';
import { createRequestSigner } from '../../lib/aws/signer.ts';
import { edgeAddress } from '../../lib/core/edge-address.ts';
import { createBackDoor } from '../../lib/edge/back-door.ts';
import type { BackDoor, BackDoorOptions } from '../../lib/edge/index.ts';
import { createManualClock, type ManualClock } from '../../lib/local/clock.ts';
import type { DoorItem } from '../../lib/wire/back-door.ts';
import { type LocalServiceOptions, startTestService, type TestService } from '../support/service.ts';

let running: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of running.reverse()) await one.close();
  running = [];
});

/** Closes it after the test, before what was opened earlier. */
export function closeAfterTest(one: { close(): Promise<unknown> }): void {
  running.push(one);
}

export interface Killable {
  /** Opens the back door of the process. */
  open(options: BackDoorOptions): Promise<BackDoor>;
  /** Drops what comes through the back door meanwhile, at least one message, then cuts the door. */
  loseMessages(whileLost: () => Promise<unknown>): Promise<void>;
  /** SIGKILL, for what others see: its timers stop, and its door is cut. */
  kill(how?: 'silently'): Promise<void>;
}

export interface OpenDoor extends Pick<Killable, 'kill'> {
  readonly backDoor: BackDoor;
  readonly received: DoorItem[];
  readonly texts: () => string[];
  /** How often the process was told that it is dead. */
  readonly deaths: () => number;
  /** The connection id in the lease. */
  readonly door: () => Promise<string>;
}

export interface Doors {
  readonly service: TestService;
  readonly clock: ManualClock;
  killable(edge: string): Killable;
  /** A process that is nothing but a back door. */
  open(edge: string): Promise<OpenDoor>;
  post(edge: string, channel: number, text: string): Promise<string>;
  /** Lets time pass in steps of 5 s, in which everything answers. */
  pass(seconds: number, each?: () => Promise<unknown>): Promise<void>;
}

/** A service with an API of back doors. */
export async function startDoors(options: Partial<LocalServiceOptions> = {}): Promise<Doors> {
  const clock = createManualClock();
  const service = await startTestService({ clock, edge: true, ...options });
  closeAfterTest(service);
  const api = service.backDoor;
  if (api === undefined) throw new Error('no back doors');
  const { timers, edges } = service.service.context;

  function killable(edge: string): Killable {
    let isKilled = false;
    let drop: ((items: readonly DoorItem[]) => void) | undefined;
    const time = {
      now: () => clock.now(),
      schedule: (callback: () => void, delayMs: number) =>
        clock.schedule(() => isKilled || callback(), delayMs),
    };
    const open = createBackDoor({
      url: api?.url ?? '',
      sign: createRequestSigner(api?.region ?? '', api?.credentials),
      random: () => 0.5,
      time,
    });
    return {
      open: (options) =>
        open({ ...options, receive: (items) => isKilled || (drop ?? options.receive)(items) }),
      async loseMessages(whileLost) {
        const dropped = new Promise<void>((resolve) => {
          drop = () => resolve();
        });
        await Promise.all([dropped, whileLost()]);
        const lease = await edges.get(edge, true);
        api?.gateway.cut(lease?.door ?? '');
        drop = undefined;
      },
      async kill(how) {
        isKilled = true;
        const lease = await edges.get(edge, true);
        if (how !== 'silently') api?.gateway.cut(lease?.door ?? '');
      },
    };
  }

  return {
    service,
    clock,
    killable,
    async open(edge) {
      const received: DoorItem[] = [];
      let deaths = 0;
      const { open, kill } = killable(edge);
      const backDoor = await open({
        edge,
        edges,
        timers,
        clock: { nowMs: () => clock.now() },
        log: service.service.log,
        receive: (items) => received.push(...items),
        onLost: () => {},
        onDead: () => {
          deaths += 1;
        },
      });
      closeAfterTest(backDoor);
      return {
        backDoor,
        received,
        kill,
        texts: () => received.flatMap((item) => ('text' in item ? [item.text] : [])),
        deaths: () => deaths,
        door: async () => (await edges.get(edge, true))?.door ?? '',
      };
    },
    post: (edge, channel, text) => service.service.context.gateway.post(edgeAddress(edge, channel), text),
    async pass(seconds, each = async () => {}) {
      for (let passed = 0; passed < seconds; passed += 5) {
        await clock.advance(5_000);
        await settle(service);
        await each();
      }
    },
  };
}

/** Lets sockets of this process answer, and timers of the queue be handled. */
async function settle(service: TestService): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  await service.queues.idle();
}
