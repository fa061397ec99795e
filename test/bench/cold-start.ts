/**
 * `npm run bench:cold-start`: measures size and load time of each function's bundle. Builds each
 * bundle with the stack's settings and with the alternatives, loads it in fresh processes, and
 * prints the packages in it.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { bundling } from '../../cdk/bundling.ts';
import { functionNames } from '../../cdk/settings.ts';

const run = promisify(execFile);
/** Processes per bundle, of which the median is reported. */
const rounds = 15;

const aliases = Object.fromEntries(
  Object.entries(bundling.esbuildArgs ?? {})
    .filter(([name]) => name.startsWith('--alias:'))
    .map(([name, target]) => [name.slice('--alias:'.length), String(target)]),
);
const plain: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  legalComments: 'none',
  external: [...(bundling.externalModules ?? [])],
};
const variants: Readonly<Record<string, BuildOptions>> = {
  'default settings': plain,
  'module fields': { ...plain, mainFields: ['module', 'main'] },
  'as deployed': { ...plain, mainFields: ['module', 'main'], alias: aliases },
};

/**
 * Prints wall time and CPU time of `require`, which is the init phase of Lambda. Other processes on
 * the machine affect CPU time less.
 */
const probe = `
const start = process.hrtime.bigint();
const cpu = process.cpuUsage();
require(process.argv[2]);
const { user, system } = process.cpuUsage(cpu);
console.log(Number(process.hrtime.bigint() - start) / 1e6, (user + system) / 1e3);
`;

interface Load {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function load(probePath: string, bundlePath: string): Promise<Load> {
  const times: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { stdout } = await run(process.execPath, [probePath, bundlePath], {
      env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    });
    times.push(stdout.split(' ').map(Number));
  }
  const median = (values: (number | undefined)[]): number =>
    values.map((value) => value ?? Number.NaN).sort((one, other) => one - other)[Math.floor(rounds / 2)] ??
    Number.NaN;
  return { wallMs: median(times.map(([wall]) => wall)), cpuMs: median(times.map(([, cpu]) => cpu)) };
}

/** Returns the bytes of each package in a bundle, largest first. */
function packagesOf(metafile: Metafile): [string, number][] {
  const bytes = new Map<string, number>();
  for (const output of Object.values(metafile.outputs))
    for (const [path, input] of Object.entries(output.inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? 'wisp';
      bytes.set(name, (bytes.get(name) ?? 0) + input.bytesInOutput);
    }
  return [...bytes].sort(([, one], [, other]) => other - one);
}

const directory = await mkdtemp(join(tmpdir(), 'wisp-cold-start-'));
try {
  const probePath = join(directory, 'probe.cjs');
  await writeFile(probePath, probe);
  console.log(
    `Node ${process.version}, median of ${rounds} processes, warm page cache. Not measured in Lambda: compare ratios`,
  );
  console.log('| function | bundle | KB | KB gzipped | load ms | CPU ms |\n|---|---|---|---|---|---|');
  const deployed = new Map<string, Metafile>();
  for (const name of functionNames)
    for (const [variant, options] of Object.entries(variants)) {
      const outfile = join(directory, `${name}-${variant.replaceAll(' ', '-')}.cjs`);
      const result = await build({
        ...options,
        entryPoints: [`functions/${name}.ts`],
        outfile,
        metafile: true,
        write: false,
      });
      const code = result.outputFiles[0]?.contents ?? new Uint8Array();
      await writeFile(outfile, code);
      if (variant === 'as deployed') deployed.set(name, result.metafile);
      const { wallMs, cpuMs } = await load(probePath, outfile);
      const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(0);
      console.log(
        `| ${name} | ${variant} | ${kilobytes(code.length)} | ${kilobytes(gzipSync(code).length)} | ${wallMs.toFixed(1)} | ${cpuMs.toFixed(1)} |`,
      );
    }
  for (const name of ['connect', 'message']) {
    console.log(`\nFunction ${name} as deployed consists of:`);
    for (const [part, bytes] of packagesOf(deployed.get(name) ?? { inputs: {}, outputs: {} }).slice(0, 14))
      console.log(`  ${(bytes / 1000).toFixed(1).padStart(7)} KB  ${part}`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
