import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Version } from './statements.ts';

/** A reference to a statement in a source file. */
export interface Tag {
  /** Such as `MQTT-3.1.4-3`. */
  readonly id: string;
  /** Absent if the tag names no version. Such a tag proves nothing, because the numbers differ. */
  readonly version?: Version;
  /** Path relative to the repository, with `/`. */
  readonly file: string;
  /** Line number from 1. Absent for JSON. */
  readonly line?: number;
}

export interface Tags {
  readonly tags: readonly Tag[];
  /** Malformed tags, one sentence each. */
  readonly problems: readonly string[];
}

/*
 * Matches [MQTT-3.1.4-3 v5], [MQTT-3.1.4-2 v3, MQTT-3.1.4-3 v5] and [MQTT-3.1.0-2 v3+v5] without
 * the brackets. An asterisk may precede the version, because a tag may wrap inside a comment.
 */
const tagPattern = /\bMQTT-(\d+(?:\.\d+)+-\d+)((?:[\s+*/]+v[35]\b)*)/g;

/** Finds the tags in a text. A tag with two versions counts as two. */
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

/** Finds the tags in the fields `clause` and `clauses` of test vectors at any depth. */
export function tagsInVectors(text: string, file: string): Tags {
  const tags: Tag[] = [];
  const problems: string[] = [];
  const take = (clause: unknown): void => {
    const found = typeof clause === 'string' ? tagsIn(clause, file) : [];
    if (found.length === 0) problems.push(`${file}: the clause ${JSON.stringify(clause)} is not a tag`);
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
    problems.push(`${file} is not JSON`);
  }
  return { tags, problems };
}

/**
 * Collects the tags of `.ts` files and test vectors in some folders. Skips test/conformance, whose
 * tags are only examples. A missing folder has no tags.
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
