import { fleetDefaults } from '../../cdk/edge-settings.ts';
import { presets, type StageSettings } from '../../cdk/settings.ts';

export const certificateSecretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:edge-AbCdEf';
export const certificateArn =
  'arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012';

/** What `-c stage=prod -c edge=on -c edgeCertificateSecret=…` gives. */
export const withEdge = {
  ...presets.prod,
  edge: { fleet: { ...fleetDefaults, certificateSecretArn } },
} as const satisfies StageSettings;
