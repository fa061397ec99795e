import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmulatorKind } from '../../lib/local/attached/emulator.ts';
import { type Template, templateFor } from './template.ts';

/** A stack of a cloud assembly. */
export interface AssemblyStack {
  readonly stackName: string;
  readonly template: Template;
  readonly notes: readonly string[];
}

interface Manifest {
  readonly artifacts: Readonly<
    Record<
      string,
      { type: string; properties?: { templateFile?: string; stackName?: string }; displayName?: string }
    >
  >;
}

/**
 * Adapts the one stack of the cloud assembly in `directory` to an emulator, in place. The template
 * is also an asset named by the hash of its contents. The hash is updated too, because the
 * emulator's bucket may contain an asset with the old one.
 */
export async function adaptAssembly(directory: string, kind: EmulatorKind): Promise<AssemblyStack> {
  const manifestPath = join(directory, 'manifest.json');
  const manifestText = await readFile(manifestPath, 'utf8');
  const { artifacts } = JSON.parse(manifestText) as Manifest;
  const [found, ...others] = Object.entries(artifacts).filter(
    ([, { type }]) => type === 'aws:cloudformation:stack',
  );
  const templateFile = found?.[1].properties?.templateFile;
  if (found === undefined || templateFile === undefined || others.length > 0)
    throw new Error('the cloud assembly is expected to hold one stack');
  const [id, { properties }] = found;

  const templatePath = join(directory, templateFile);
  const original = await readFile(templatePath, 'utf8');
  const { template, notes } = templateFor(kind, JSON.parse(original) as Template);
  if (notes.length > 0) {
    const text = JSON.stringify(template, null, 1);
    await writeFile(templatePath, text);
    const assetsPath = join(directory, `${id}.assets.json`);
    const assetsText = await readFile(assetsPath, 'utf8');
    const [before, after] = [hashOfTemplate(assetsText, templateFile), sha256(text)];
    await writeFile(assetsPath, assetsText.replaceAll(before, after));
    await writeFile(manifestPath, manifestText.replaceAll(before, after));
  }
  return { stackName: properties?.stackName ?? id, template, notes };
}

function hashOfTemplate(assetsText: string, templateFile: string): string {
  const { files } = JSON.parse(assetsText) as { files: Record<string, { source: { path: string } }> };
  const hash = Object.keys(files).find((key) => files[key]?.source.path === templateFile);
  if (hash === undefined) throw new Error(`${templateFile} is no asset of the cloud assembly`);
  return hash;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
