import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, BundlingOutput, DockerImage } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';

const absolute = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * The bundle of lib/edge: one file, so that nothing has to be unpacked in the task. In the
 * installed package it lies beside this module, where build/cdk.ts puts it. In the repository it is
 * built at synthesis.
 */
export function edgeBundle(scope: Construct, id: string): Asset {
  const prebuilt = absolute('edge/edge.mjs');
  if (existsSync(prebuilt)) return new Asset(scope, id, { path: prebuilt });
  const root = absolute('../../..');
  return new Asset(scope, id, {
    path: join(root, 'lib/edge'),
    // Of the bundle: it depends on more files than these.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never used: `local` does it.
      image: DockerImage.fromRegistry('none'),
      outputType: BundlingOutput.SINGLE_FILE,
      local: {
        tryBundle(directory) {
          execFileSync(process.execPath, ['--import', 'tsx', 'build/main.ts', 'edge'], { cwd: root });
          copyFileSync(join(root, 'dist/cdk/edge/edge.mjs'), join(directory, 'edge.mjs'));
          return true;
        },
      },
    },
  });
}
