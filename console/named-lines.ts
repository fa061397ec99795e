/** `name: value`, one on a line, in their order; the same name may come twice. */
export function namedLines(text: string): (readonly [name: string, value: string])[] {
  return text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    if (line.trim() === '') return [];
    return colon === -1
      ? [[line.trim(), ''] as const]
      : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const];
  });
}
