/** How the user called this command (`npx wisp` or `wisp`), for lines to paste. */
export function commandName(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.npm_command === 'exec' ? 'npx wisp' : 'wisp';
}
