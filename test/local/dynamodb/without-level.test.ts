import { tmpdir } from 'node:os';
import { afterAll, expect, test, vi } from 'vitest';

// An empty directory for classic-level's native part, as on a machine without a prebuilt binary.
vi.stubEnv('CLASSIC_LEVEL_PREBUILD', tmpdir());
afterAll(() => {
  vi.unstubAllEnvs();
});

test('without the native part of LevelDB the engine warns and works in memory', async () => {
  const { openEngine } = await import('../../../lib/local/dynamodb/index.ts');
  const warnings: string[] = [];
  const engine = await openEngine({ directory: tmpdir(), onWarning: (message) => warnings.push(message) });
  expect(engine.persistent).toBe(false);
  expect(warnings).toEqual([expect.stringMatching(/stays in memory.*classic-level: No native build/)]);
  await engine.createTables({ things: { partitionKey: 'id' } }, { things: 'things' });
  await engine.close();

  const silent = await openEngine();
  await silent.close();
  expect(warnings).toHaveLength(1);
});
