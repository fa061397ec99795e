import { buildBridge } from './bridge.ts';
import { buildClient } from './client.ts';
import { buildCommands } from './command.ts';
import { buildConsole } from './console.ts';

const builders = {
  client: buildClient,
  commands: buildCommands,
  console: buildConsole,
  bridge: buildBridge,
  // Loads the AWS CDK, which takes a second.
  cdk: async () => (await import('./cdk.ts')).buildCdk(),
  edge: async () => (await import('./edge.ts')).buildEdge(),
} as const;
const parts = Object.keys(builders) as (keyof typeof builders)[];

/**
 * usage: tsx build/main.ts [client] [commands] [console] [bridge] [cdk] [edge]; without arguments
 * all of them
 */
const names = process.argv.slice(2);
// `edge` is a part of `cdk`, which synthesis in the repository builds alone.
const selected = parts.filter((part) => (names.length === 0 ? part !== 'edge' : names.includes(part)));

/** The messages of esbuild and tsc name the file and line: nothing else is printed with them. */
function describe(error: unknown): string {
  if (error === null || typeof error !== 'object') return String(error);
  if ('errors' in error && Array.isArray(error.errors)) {
    return error.errors
      .map(({ text, location }: { text: string; location: { file: string; line: number } | null }) =>
        location === null ? text : `${location.file}:${location.line}: ${text}`,
      )
      .join('\n');
  }
  if ('stdout' in error && typeof error.stdout === 'string' && error.stdout !== '')
    return error.stdout.trim();
  return error instanceof Error ? error.message : String(error);
}

await Promise.all(selected.map((part) => builders[part]())).catch((error: unknown) => {
  console.error(`build: ${describe(error)}`);
  process.exitCode = 1;
});
