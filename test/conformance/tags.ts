import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Version } from './statements.ts';

/** A clause named in a source file. */
export interface Tag {
  /** As in `MQTT-3.1.4-3`. */
  readonly id: string;
  /** Absent where the tag does not say; such a tag proves nothing, since numbering differs. */
  readonly version?: Version;
  /** Path from the top of the repository, with `/`. */
  readonly file: string;
  /** Counted from 1; absent in JSON. */
  readonly line?: number;
}

export interface Tags {
  readonly tags: readonly Tag[];
  /** What looks like a tag and is none, one sentence each. */
  readonly problems: readonly string[];
}

/*
 * [MQTT-3.1.4-3 v5], [MQTT-3.1.4-2 v3, MQTT-3.1.4-3 v5], [MQTT-3.1.0-2 v3+v5]: the brackets are for readers. A tag
 * may be wrapped inside a comment, hence the asterisk before the version.
 */
const tagPattern = /\bMQTT-(\d+(?:\.\d+)+-\d+)((?:[\s+*/]+v[35]\b)*)/g;

/** The tags in a piece of text. One with two versions gives two. */
export function tagsIn(text: string, file: string): Tag[] {
  const tags: Tag[] = [];
  for (const match of text.matchAll(tagPattern)) {
    const id = `MQTT-${match[1]}`;
    const line = text.slice(0, match.index).split('\n').length;
    const suffix = match[2] ?? '';
    const named: Version[] = [];
    if (suffix.includes('v3')) named.push('3.1.1');
    if (suffix.includes('v5')) named.push('5.0');
    if (named.length === 0) tags.push({ id, file, line });
    for (const version of named) tags.push({ id, version, file, line });
  }
  return tags;
}

/** The tags in the fields `clause` and `clauses` of test vectors, at any depth. */
export function tagsInVectors(text: string, file: string): Tags {
  const tags: Tag[] = [];
  const problems: string[] = [];
  const take = (clause: unknown): void => {
    const found = typeof clause === 'string' ? tagsIn(clause, file) : [];
    if (found.length === 0) problems.push(`${file}: the clause ${JSON.stringify(clause)} is no tag`);
    for (const { id, version } of found) {
      tags.push(version === undefined ? { id, file } : { id, version, file });
    }
  };
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'clause' || key === 'clauses') (Array.isArray(inner) ? inner : [inner]).forEach(take);
      else walk(inner);
    }
  };
  try {
    walk(JSON.parse(text));
  } catch {
    problems.push(`${file} is no JSON`);
  }
  return { tags, problems };
}

/**
 * Collects the tags below some folders: `.ts` anywhere in the text, `.json` in `clause` and `clauses`.
 * This folder is left out: its examples prove nothing. A folder that does not exist has no tags.
 */
export function scan(root: string, folders: readonly string[]): Tags {
  const tags: Tag[] = [];
  const problems: string[] = [];
  for (const file of folders.flatMap((folder) => filesBelow(root, folder)).sort()) {
    if (file.endsWith('.ts')) tags.push(...tagsIn(readFileSync(join(root, file), 'utf8'), file));
    if (file.endsWith('.json')) {
      const found = tagsInVectors(readFileSync(join(root, file), 'utf8'), file);
      tags.push(...found.tags);
      problems.push(...found.problems);
    }
  }
  return { tags, problems };
}

function filesBelow(root: string, folder: string): string[] {
  if (folder === 'test/conformance') return [];
  try {
    return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(root, path);
      return entry.isFile() ? [path] : [];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
