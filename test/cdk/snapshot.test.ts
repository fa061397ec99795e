import { expect, it } from 'vitest';
import { presets } from '../../cdk/settings.ts';
import { withEdge } from './edge-settings.ts';
import { withRules } from './rule-settings.ts';
import { Synthesised } from './synthesise.ts';

/** Asset hashes change with the code of functions; the rest of the template must not. */
function normalised(template: unknown): unknown {
  return JSON.parse(JSON.stringify(template).replace(/[0-9a-f]{64}/g, 'HASH'));
}

it.each([
  ['dev', presets.dev],
  ['prod', presets.prod],
  ['edge', withEdge],
  ['rules', withRules],
  ['inbound', { ...presets.prod, inbound: true }],
] as const)('the template of %s is the reviewed one', async (name, settings) => {
  const template = normalised(new Synthesised(settings).template.toJSON());
  await expect(`${JSON.stringify(template, null, 2)}\n`).toMatchFileSnapshot(
    `./snapshots/${name}.template.json.snap`,
  );
});
