import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Folders of the repository whose files pages may name. */
export const folders: readonly string[] = ['lib', 'functions', 'cdk', 'build', 'docs', 'examples', 'test'];

/** Paths of all files and folders in these folders, excluding installed and built files. */
export const paths: ReadonlySet<string> = new Set(
  readdirSync(repository)
    .filter((name) => folders.includes(name))
    .flatMap((folder) => [
      folder,
      ...readdirSync(`${repository}/${folder}`, { recursive: true, encoding: 'utf8' }).map(
        (path) => `${folder}/${path.replaceAll('\\', '/')}`,
      ),
    ])
    .filter((path) => !/\/(node_modules|dist)\//.test(path)),
);

/** Names of all pages. `npm run conformance` generates docs/conformance.md and checks it. */
export const pageNames: readonly string[] = [...readdirSync(repository), ...paths]
  .filter((name) => name.endsWith('.md') && name !== 'docs/conformance.md')
  .toSorted();

export interface Page {
  /** Targets of links, such as `docs/wire.md#limits` or `https://example.com`. */
  readonly links: readonly string[];
  /** Code spans of the prose, without their backticks. */
  readonly spans: readonly string[];
  /** Lines of code blocks, fenced or indented. */
  readonly code: readonly string[];
  /** Anchors of the headings, as GitHub makes them. */
  readonly anchors: readonly string[];
}

export function readPage(name: string): Page {
  const { prose, code } = parts(readFileSync(`${repository}/${name}`, 'utf8'));
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return {
    links: [...prose.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(
      ([, target = '']) => target,
    ),
    // A span may go over the end of a line, which stands for a space (CommonMark, "Code spans").
    spans: [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll(/\s+/g, ' ')),
    code,
    anchors: headings.map(anchor),
  };
}

function parts(markdown: string): { prose: string; code: string[] } {
  const prose: string[] = [];
  const code: string[] = [];
  let fenced = false;
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    else if (fenced || line.startsWith('    ')) code.push(line.trim());
    else prose.push(line);
  }
  return { prose: prose.join('\n'), code };
}

function anchor(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}
