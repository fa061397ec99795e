import {
  EnvironmentError,
  functionEnvironment,
  inboundDeadLettersVariable,
  inboundQueueVariable,
} from './environment.ts';
import { createEnvironmentService } from './environment-service.ts';
import type { InboundService } from './inbound-batch.ts';
import { createPowertoolsLog } from './log.ts';

let service: InboundService | undefined;

/** The service over this function's environment, created at the first batch and kept. */
export function inboundFunctionService(): InboundService {
  service ??= fromEnvironment();
  return service;
}

function fromEnvironment(): InboundService {
  const log = createPowertoolsLog();
  const queueUrl = variable(inboundQueueVariable);
  const deadLetterUrl = variable(inboundDeadLettersVariable);
  const { context, sqs, ...rest } = createEnvironmentService(functionEnvironment(process.env), {
    log,
    allowPrivateIssuers: false,
  });
  return {
    context,
    sqs,
    queueUrl,
    deadLetterUrl,
    async flush() {
      await rest.flush();
      log.flush();
    },
  };
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new EnvironmentError(`${name} is not set`);
  return value;
}
