/**
 * `npx tsx test/admin/write-openapi.ts`: writes the request bodies of docs/openapi.json from their
 * schemas.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { requestSchemas } from './schemas.ts';

const file = new URL('../../docs/openapi.json', import.meta.url);
const document = JSON.parse(readFileSync(file, 'utf8'));
Object.assign(document.components.schemas, requestSchemas);
writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
