import type { Command } from 'commander';
import { escapeControls } from '../../core/escape-controls.ts';
import type { AdminClient } from '../admin-client.ts';
import { progressOf } from '../progress.ts';
import { apiOf } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';
import { type JsonOption, tenantCommand } from './operate.ts';

interface ShapesOptions extends JsonOption {
  readonly count?: true;
  readonly remove?: true;
}

interface Shapes {
  readonly shapes: readonly string[];
  readonly going: readonly string[];
}

/** `wisp shapes`. */
export function addShapesCommand(program: Command, terminal: Terminal): void {
  tenantCommand(program, 'shapes', "list the shapes of a tenant's filters; remove unused ones", help)
    .description(
      'Lists the shapes of filters (= is a literal level). Each costs a query per message that fits it.',
    )
    .option('--count', 'with the number of subscriptions; reads the list of every client')
    .option('--remove', 'remove the shapes that no subscription has; reads the list of every client')
    .option('--json', 'as JSON')
    .action(async (tenant: string, options: ShapesOptions) => {
      const api = await apiOf(options);
      const listed = (await api.call('GET', `/${tenant}/shapes`)) as Shapes;
      const counts =
        options.count === true || options.remove === true ? await countAll(api, tenant, terminal) : undefined;
      if (options.remove === true && counts !== undefined) {
        const unused = listed.shapes.filter((shape) => !counts.has(shape));
        await remove(api, tenant, unused, terminal);
        return;
      }
      if (options.json === true) terminal.out(JSON.stringify(jsonOf(listed, counts), null, 2));
      else if (listed.shapes.length === 0) terminal.err('no client has subscribed yet');
      else for (const shape of listed.shapes) terminal.out(lineOf(shape, listed, counts));
    });
}

/** Subscriptions by shape, page by page, with the progress on stderr. */
async function countAll(
  api: AdminClient,
  tenant: string,
  terminal: Terminal,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const tell = progressOf(terminal);
  let clients = 0;
  let next: string | undefined;
  do {
    const page = (await api.call(
      'GET',
      `/${tenant}/shapes/count${next === undefined ? '' : `?page=${next}`}`,
    )) as { shapes: { shape: string; subscriptions: number }[]; clients: number; next?: string };
    for (const { shape, subscriptions } of page.shapes)
      counts.set(shape, (counts.get(shape) ?? 0) + subscriptions);
    clients += page.clients;
    next = page.next;
    tell(() => `${clients} clients so far …`);
  } while (next !== undefined);
  return counts;
}

async function remove(
  api: AdminClient,
  tenant: string,
  unused: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const answer = await api.call('POST', `/${tenant}/shapes/remove`, { shapes: unused });
  const { going, decidedAfterSeconds } = answer as { going: string[]; decidedAfterSeconds: number };
  for (const shape of going) terminal.out(escapeControls(shape));
  terminal.err(
    going.length === 0
      ? 'every shape is in use'
      : `These go. A walk that begins in ${decidedAfterSeconds} seconds removes them, except those that it finds in use.`,
  );
}

function lineOf(shape: string, { going }: Shapes, counts: ReadonlyMap<string, number> | undefined): string {
  const count = counts === undefined ? '' : `${String(counts.get(shape) ?? 0).padStart(8)}  `;
  return `${count}${escapeControls(shape)}${going.includes(shape) ? '  (goes)' : ''}`;
}

function jsonOf({ shapes, going }: Shapes, counts: ReadonlyMap<string, number> | undefined): unknown {
  if (counts === undefined) return shapes;
  return shapes.map((shape) => ({
    shape,
    subscriptions: counts.get(shape) ?? 0,
    going: going.includes(shape),
  }));
}

const help = `
Examples:
  $ wisp shapes demo
  $ wisp shapes demo --count
  $ wisp shapes acme --remove --stack Wisp`;
