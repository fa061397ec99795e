#!/usr/bin/env node
// The SDK's reminder that later releases need a newer Node is for Wisp's maintainers, not for its users.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

// A reader that has seen enough, such as `| head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const { run } = await import('./program.ts');
process.exitCode = await run(process.argv.slice(2));
