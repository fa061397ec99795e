import { findTool } from '../../support/tools.ts';
import { built } from '../built.ts';
import { startChild } from '../process.ts';
import type { AedesProcess } from './aedes-process.ts';
import type { Listening, Transport } from './listening.ts';
import { startMosquitto } from './mosquitto.ts';
import type { WispProcess } from './wisp-process.ts';

export interface RunningBroker {
  readonly listening: Listening;
  /** API Gateway messages since the start. Only Wisp has them. */
  messages?(): Promise<number>;
  stop(): Promise<void>;
}

export interface BrokerUnderTest {
  readonly name: string;
  readonly transport: Transport;
  start(): Promise<RunningBroker>;
}

const wisp: BrokerUnderTest = {
  name: 'Wisp, adapter',
  transport: 'adapter',
  async start() {
    const child = startChild<WispProcess>(built('./throughput/wisp-process.ts'));
    return {
      listening: await child.call('start', undefined),
      async messages() {
        const { meteredMessagesIn, meteredMessagesOut } = await child.call('meters', undefined);
        return meteredMessagesIn + meteredMessagesOut;
      },
      stop: () => child.stop(),
    };
  },
};

const aedes = (transport: 'ws' | 'tcp'): BrokerUnderTest => ({
  name: `Aedes, ${transport === 'ws' ? 'WebSocket' : 'TCP'}`,
  transport,
  async start() {
    const child = startChild<AedesProcess>('./throughput/aedes-process.ts');
    return { listening: await child.call('start', { transport }), stop: () => child.stop() };
  },
});

const mosquitto = (path: string, transport: 'ws' | 'tcp'): BrokerUnderTest => ({
  name: `Mosquitto, ${transport === 'ws' ? 'WebSocket' : 'TCP'}`,
  transport,
  async start() {
    const { port, stop } = await startMosquitto(path, transport);
    return { listening: { port }, stop };
  },
});

/** Returns the brokers that can be measured on this machine, and a note for each other one. */
export function brokers(quick: boolean): { all: BrokerUnderTest[]; missing: string[] } {
  const path = findTool('mosquitto');
  const transports = quick ? (['tcp'] as const) : (['ws', 'tcp'] as const);
  const others = path === undefined ? [] : transports.map((transport) => mosquitto(path, transport));
  return {
    all: [wisp, ...transports.map(aedes), ...others],
    missing:
      path === undefined
        ? ['Mosquitto was not measured. To measure it, install Debian’s package `mosquitto`.']
        : [],
  };
}
