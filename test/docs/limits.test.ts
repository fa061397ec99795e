import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import { quotaNames } from '../../lib/core/quotas.ts';
import { reasons } from '../../lib/core/reasons.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { type Bound, boundsOf, filledIn, limitsPage, numbersIn, readLimits } from './limits-page.ts';
import { paths, repository } from './pages.ts';

const bounds = boundsOf(readLimits());
const listed = new Set(bounds.map(({ name, file }) => `${file} ${name}`));

const limitFiles = ['lib/topics/limits.ts', 'lib/wire/limits.ts', 'lib/local/gateway/limits.ts'];

/** What a constant is called that bounds something. */
const boundName = /^(?:max|min|longest)[A-Z]|TtlSeconds$/;
/** Layers that serve others than the user of the machine. */
const servingLayer = /^(?:functions|cdk|lib\/(?!local|cli|client)[a-z]+)\/.*\.ts$/;

const inOneFile = (file: string, names: readonly string[]) => names.map((name) => `${file} ${name}`);

it('names every setting, quota and limit, and every constant that bounds something', () => {
  const wanted = [
    ...inOneFile('lib/core/settings.ts', Object.keys(defaultSettings)),
    ...inOneFile('lib/core/quotas.ts', quotaNames),
    ...limitFiles.flatMap((file) => inOneFile(file, limitsOf(file))),
    ...[...paths]
      .filter((path) => servingLayer.test(path) && path !== 'lib/core/settings.ts')
      .flatMap((path) =>
        inOneFile(
          path,
          [...numbersIn(path).keys()].filter((name) => boundName.test(name)),
        ),
      ),
  ];
  expect(wanted.filter((bound) => !listed.has(bound))).toEqual([]);
});

it('names each bound once, with the file that sets it', () => {
  expect(bounds.length).toBe(listed.size);
  const isSet = ({ name, file }: Bound) =>
    paths.has(file) && new RegExp(`\\b${name}\\b`).test(readFileSync(`${repository}/${file}`, 'utf8'));
  const unset = bounds.filter((bound) => !isSet(bound));
  expect(unset.map(({ name, file }) => `${file} ${name}`)).toEqual([]);
});

it('names reasons, counters and tests that exist', () => {
  expect(bounds.flatMap((bound) => bound.codes).filter((code) => !(code in reasons))).toEqual([]);
  const counters = new Set<string>(Object.values(metrics));
  expect(bounds.flatMap((bound) => bound.counters).filter((name) => !counters.has(name))).toEqual([]);
  expect(bounds.flatMap((bound) => bound.tests).filter((path) => !paths.has(path))).toEqual([]);
});

it('has the numbers of the code and the answers of the catalogue (npx vitest run test/docs/limits.test.ts -u)', async () => {
  await expect(filledIn(readLimits())).toMatchFileSnapshot(`../../${limitsPage}`);
});

/** First bytes of packets and close codes are numbers of the profile, and no bounds. */
function limitsOf(file: string): string[] {
  return [...numbersIn(file).keys()].filter((name) => !/Byte$|CloseCode$/.test(name));
}
