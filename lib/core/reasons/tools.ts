import type { Reason } from './reason.ts';

/** Failures of the command `wisp` and of the local runtime, for the person at the terminal. */
export const toolReasons = {
  usage: {
    message: 'the options of the command do not fit together',
    remedy: 'See --help of the command.',
  },
  'region-missing': {
    message: 'no AWS region is given',
    remedy: 'Use --region or set AWS_REGION.',
  },
  'stack-unknown': {
    message: 'the CloudFormation stack is not a stack of Wisp',
    remedy: 'Check --stack, --region and the AWS account.',
  },
  'file-unreadable': {
    message: 'a file cannot be read, or is not what the option expects',
    remedy: 'Check the path that the message names.',
  },
  'issuer-options': {
    message: 'the options do not describe an issuer',
    remedy: 'Correct the option that the message names: "wisp issuer add --help".',
  },
  'key-exists': {
    message: 'the key file exists and is not overwritten',
    remedy: 'Move the file away first.',
  },
  'key-unreadable': {
    message: 'the key file cannot be read',
    remedy: 'Check the permissions of the file.',
  },
  'key-malformed': {
    message: 'the key file is not a private key that "wisp tenant create" wrote',
    remedy: 'Name the right file, or create a new key and add its public half to the tenant.',
  },
  'not-confirmed': {
    message: 'the question was not answered with yes',
    remedy: 'Use --yes to go on without a question.',
  },
  'port-in-use': {
    message: 'the port is in use',
    remedy: 'Stop the other process, or choose another port.',
  },
  'port-forbidden': {
    message: 'this user may not listen on the port',
    remedy: 'Choose a port above 1023.',
  },
  'host-unavailable': {
    message: 'the host is not an address of this machine',
    remedy: 'Correct --host.',
  },
  'data-unusable': {
    message: 'the data directory cannot be used',
    remedy: 'Correct --data: it must be a directory that this user may write.',
  },
  'data-locked': {
    message: 'another process uses the data directory',
    remedy: 'Stop the other "wisp start", or choose another directory with --data.',
  },
  closed: {
    message: 'the local runtime is shutting down',
    remedy: 'Start it again.',
  },
  deployed: {
    message: 'the deployment in the emulator is not complete',
    remedy: 'Deploy again: "npm run deploy:local" (docs/localstack.md).',
  },
  emulator: {
    message: 'the AWS emulator cannot be used',
    remedy: 'Check AWS_ENDPOINT_URL and that the emulator is running (docs/localstack.md).',
  },
  cdk: {
    message: 'synthesising the stack failed',
    remedy: 'Read the output above this line.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
