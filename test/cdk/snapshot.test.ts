import { expect, it } from 'vitest';
import { presets } from '../../cdk/settings.ts';
import { Synthesised } from './synthesise.ts';

/** Asset hashes change with the code of functions; the rest of the template must not. */
function normalised(template: unknown): unknown {
  return JSON.parse(JSON.stringify(template).replace(/[0-9a-f]{64}/g, 'HASH'));
}

it.each(['dev', 'prod'] as const)('the template of preset %s is the reviewed one', async (preset) => {
  const template = normalised(new Synthesised(presets[preset]).template.toJSON());
  await expect(`${JSON.stringify(template, null, 2)}\n`).toMatchFileSnapshot(
    `./snapshots/${preset}.template.json.snap`,
  );
});
