import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { NodejsFunctionProps } from 'aws-cdk-lib/aws-lambda-nodejs';
import { bundling } from './bundling.ts';
import type { FunctionName } from './settings.ts';

const absolute = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * The code of a function. In the installed package (`dist/cdk/index.js`) it is a bundle beside this
 * module, which build/cdk.ts made. In the repository CDK bundles the source at synthesis.
 */
export function functionSource(
  name: FunctionName,
): Pick<NodejsFunctionProps, 'code' | 'entry' | 'handler' | 'projectRoot' | 'depsLockFilePath' | 'bundling'> {
  const file = functionFile(name);
  const prebuilt = absolute(`functions/${file}`);
  if (existsSync(prebuilt)) return { code: Code.fromAsset(prebuilt), handler: 'index.handler' };
  return {
    entry: absolute(`../functions/${file}.ts`),
    handler: 'handler',
    projectRoot: absolute('..'),
    depsLockFilePath: absolute('../package-lock.json'),
    bundling,
  };
}

/** `backDoor` → `back-door`. */
export function functionFile(name: FunctionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
