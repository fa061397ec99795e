/**
 * `npm run layers`: writes biome.layers.json and the table of docs/architecture.md from the list in
 * layers.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { allowListsText } from './allow-lists.ts';
import { withLayerTable } from './table.ts';

const page = new URL('../../docs/architecture.md', import.meta.url);
writeFileSync(new URL('../../biome.layers.json', import.meta.url), allowListsText());
writeFileSync(page, withLayerTable(readFileSync(page, 'utf8')));
