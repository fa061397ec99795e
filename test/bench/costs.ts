import { type Cost, startMetered } from './metered.ts';
import { scenarios } from './scenarios.ts';

/** Runs each scenario in its own service and returns all costs by name. */
export async function measureCosts(progress: (line: string) => void = () => {}): Promise<Map<string, Cost>> {
  const all = new Map<string, Cost>();
  for (const [name, scenario] of Object.entries(scenarios)) {
    progress(`measuring: ${name}`);
    const metered = await startMetered();
    try {
      const mint = await metered.service.tenant('bench');
      for (const [step, cost] of await scenario(metered, mint)) all.set(step, cost);
    } finally {
      await metered.close();
    }
  }
  return all;
}
