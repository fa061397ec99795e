import { CfnOutput } from 'aws-cdk-lib';
import { ApiMapping, DomainName, SecurityPolicy } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import type { DomainSettings } from '../settings.ts';
import { type Gateway, stageName } from './gateway.ts';

/**
 * A custom domain in front of the stage, with the same path. `@connections` posts still use the
 * API's own host name.
 */
export class CustomDomain extends Construct {
  /** WebSocket URL that clients use. */
  readonly url: string;

  constructor(scope: Construct, id: string, gateway: Gateway, settings: DomainSettings) {
    super(scope, id);
    const domainName = new DomainName(this, 'Name', {
      domainName: settings.name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', settings.certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(this, 'Mapping', {
      api: gateway.api,
      domainName,
      stage: gateway.stage,
      apiMappingKey: stageName,
    });
    this.url = `wss://${settings.name}/${stageName}`;
    const target = new CfnOutput(this, 'Target', {
      value: domainName.regionalDomainName,
      description: 'Where the DNS record of the custom domain must point (CNAME or alias)',
    });
    target.overrideLogicalId('DomainTarget');
    if (settings.hostedZone === undefined) return;
    new ARecord(this, 'Record', {
      zone: HostedZone.fromHostedZoneAttributes(this, 'Zone', {
        hostedZoneId: settings.hostedZone.id,
        zoneName: settings.hostedZone.name,
      }),
      recordName: settings.name,
      target: RecordTarget.fromAlias(
        new ApiGatewayv2DomainProperties(domainName.regionalDomainName, domainName.regionalHostedZoneId),
      ),
    });
  }
}
