import type { Run, SectionResult } from '../report.ts';
import { measureThroughput } from './throughput.ts';
import { measureUnits } from './units.ts';

/** Measures an edge: units and dollars, and throughput beside other brokers. */
export async function measure(run: Run): Promise<SectionResult> {
  const units = await measureUnits(run);
  const throughput = await measureThroughput(run);
  return {
    tables: [...units.tables, ...throughput.tables],
    plots: [],
    notes: [
      'Units: protocol 5.0, 200 bytes, over TCP. W5 holds CONNECT, a PINGREQ a minute, and the end, over 24 hours.',
      'Throughput: MQTT 3.1.1 and 128 bytes. A publisher keeps 20 messages unacknowledged (QoS 1 and 2) or not yet delivered (QoS 0). Each case has a broker of its own, a warm-up as long as the measurement, and its clients in one other process.',
      'The edge runs with the whole local service and its store in memory in one process, so the CPU is that of all. Every message reads the tenant and the audience, and QoS 1 and 2 are stored before they are acknowledged, by the same calls as in AWS. Aedes and Mosquitto keep their state in memory and check no tokens.',
      ...throughput.notes,
    ],
    data: { units: units.data, throughput: throughput.cases },
  };
}
