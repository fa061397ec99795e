#!/usr/bin/env node
// Hides the SDK's note on future Node versions, which Wisp's users can do nothing about.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

// A reader that stops early, such as `| head`, is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const { run } = await import('./program.ts');
process.exitCode = await run(process.argv.slice(2));
