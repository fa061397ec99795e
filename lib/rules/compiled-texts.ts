import { ruleLimits } from './limits.ts';

/**
 * Remembers what `compile` gave for a text, for a bounded number of texts: rules are compiled once
 * in a process, not for every message.
 */
export function rememberCompiled<Compiled>(compile: (text: string) => Compiled): (text: string) => Compiled {
  const known = new Map<string, Compiled>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const compiled = compile(text);
    // The oldest goes. Rules that are in use come back with their next message.
    if (known.size >= ruleLimits.maxCompiledTexts)
      for (const oldest of known.keys()) {
        known.delete(oldest);
        break;
      }
    known.set(text, compiled);
    return compiled;
  };
}
