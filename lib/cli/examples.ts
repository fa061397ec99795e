import type { AddHelpTextContext, Command } from 'commander';

/**
 * The end of a command's `--help`: of the examples that its family shares, those that use the
 * command itself. A command with subcommands, and one without an example, shows all.
 */
export function ownExamples(text: string): (context: AddHelpTextContext) => string {
  return ({ command }) => {
    const [before = '', after = ''] = text.split(/(?<=Examples:\n)/);
    const examples = after.split(/\n(?= {2}\$ )/);
    const call = callOf(command);
    const own = examples.filter((example) => `${example} `.includes(`${call} `));
    return command.commands.length > 0 || own.length === 0 ? text : before + own.join('\n');
  };
}

/** `wisp tenant create` */
function callOf(command: Command): string {
  return command.parent === null ? command.name() : `${callOf(command.parent)} ${command.name()}`;
}
