import { measureUnits } from './test/bench/edge/units.ts';
const { tables } = await measureUnits({ quick: false, progress: (l: string) => console.error(l, new Date().toISOString()) } as never);
console.log(JSON.stringify(tables, null, 1)); process.exit(0);
