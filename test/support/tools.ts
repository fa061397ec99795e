import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that some tests and benchmarks run and npm cannot install. */
export type Tool =
  | 'mosquitto_pub'
  | 'mosquitto_sub'
  | 'mosquitto'
  | 'chromium'
  | 'java'
  | 'mvn'
  | 'postgres'
  | 'prometheus';

const debianPackages: Readonly<Record<Tool, string>> = {
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  mosquitto: 'mosquitto',
  chromium: 'chromium',
  java: 'openjdk-17-jre-headless',
  mvn: 'maven',
  postgres: 'postgresql',
  prometheus: 'prometheus',
};

/** Programs that tests run; the others are for benchmarks. */
const testTools: readonly Tool[] = [
  'mosquitto_pub',
  'mosquitto_sub',
  'chromium',
  'java',
  'mvn',
  'postgres',
  'prometheus',
];

/** Debian installs daemons here, outside the PATH of most users. */
const daemonDirectories = ['/usr/sbin', '/usr/local/sbin'];

/** Debian installs each version of PostgreSQL in a directory of its own. */
const postgresVersions = '/usr/lib/postgresql';

/**
 * Path of a program on this machine; undefined if it is not installed. CHROMIUM_PATH names another
 * Chromium.
 */
export function findTool(tool: Tool): string | undefined {
  if (tool === 'chromium' && process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH;
  const directories = (process.env.PATH ?? '').split(delimiter);
  if (tool === 'postgres') directories.unshift(...postgresDirectories());
  if (tool === 'mosquitto') directories.push(...daemonDirectories);
  return directories.map((directory) => join(directory, tool)).find((path) => existsSync(path));
}

function postgresDirectories(): string[] {
  if (!existsSync(postgresVersions)) return [];
  return readdirSync(postgresVersions).map((version) => join(postgresVersions, version, 'bin'));
}

/** @throws Error that names the Debian package, if the program is not installed. */
export function requireTool(tool: Tool): string {
  const path = findTool(tool);
  if (path === undefined)
    throw new Error(`${tool} is not installed: apt-get install ${debianPackages[tool]}`);
  return path;
}

/** Debian packages that are missing to run all tests. */
export function missingPackages(): string[] {
  const missing = testTools.filter((tool) => findTool(tool) === undefined);
  return [...new Set(missing.map((tool) => debianPackages[tool]))];
}

/**
 * For `skipIf`: whether to skip tests that need these programs. In CI they run and fail, so that no
 * build passes without them.
 */
export function lacks(...tools: readonly Tool[]): boolean {
  return !isCi() && tools.some((tool) => findTool(tool) === undefined);
}

function isCi(): boolean {
  const { CI = '' } = process.env;
  return CI !== '' && CI !== 'false' && CI !== '0';
}
