import { escapeControls } from '../core/escape-controls.ts';

/** Where commands write. Results go to `out`, everything else to `err`. Tests pass their own. */
export interface Terminal {
  out(line: string): void;
  err(line: string): void;
}

export const processTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
};

/**
 * A terminal that shows what commands print but obeys nothing in it: client ids, topics and
 * messages of errors may come from hostile clients. In JSON the escapes mean the same text.
 */
export function guarded(terminal: Terminal): Terminal {
  return {
    out: (line) => terminal.out(escapeLines(line)),
    err: (line) => terminal.err(escapeLines(line)),
  };
}

function escapeLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n');
}
