import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

async function bundle(entry: string): Promise<{ code: string; inputs: string[] }> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return { code: result.outputFiles[0]?.text ?? '', inputs: Object.keys(result.metafile.inputs) };
}

it('is at most 3 kB, minified and gzipped, everything that it exports included', async () => {
  const { code } = await bundle('lib/client/index.ts');
  expect(code).toContain('wisp.b64.v1');
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(3_000);
});

it('depends on nothing, and uses nothing that browsers or React Native lack', async () => {
  const { code, inputs } = await bundle('lib/client/index.ts');
  for (const input of inputs) expect(input).toMatch(/^lib\/(client|wire)\//);
  expect(code).not.toMatch(/\b(Buffer|atob|btoa|EventTarget|process|require|TextDecoder|queueMicrotask)\b/);
  expect(code).not.toMatch(/new (Event|MessageEvent|CloseEvent)\b/);
});
