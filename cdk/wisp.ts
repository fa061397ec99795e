import { Stack } from 'aws-cdk-lib';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { addOutputs } from './outputs.ts';
import { addService, type ServiceParts } from './service.ts';
import { type PresetName, presets, type StageSettings } from './settings.ts';

export interface WispProps extends Partial<Omit<StageSettings, 'stackName'>> {
  /** Settings that the other properties change. Default: `prod`, which retains data. */
  readonly preset?: PresetName;
  /**
   * Name of the deployment in API names, metrics and the dashboard. Must be unique within account
   * and region. Default: the name of the stack.
   */
  readonly deploymentName?: string;
}

/**
 * The whole service as a construct in a stack of your own. Its outputs have fixed names, which the
 * `wisp` command finds with `--stack`, so a stack holds at most one.
 */
export class Wisp extends Construct {
  /** URL for clients, beginning with `wss://`. */
  readonly webSocketUrl: string;
  /** URL of the admin API, which asks for AWS credentials; see {@link grantAdmin}. */
  readonly adminUrl: string;
  /** URL for publishing over HTTP with a tenant's token. */
  readonly publishUrl: string;
  /**
   * Host name of the edge's load balancer, to which the DNS record for stock clients points;
   * undefined without tasks of the edge.
   */
  readonly edgeHost: string | undefined;
  readonly #parts: ServiceParts;

  constructor(scope: Construct, id: string, { preset = 'prod', deploymentName, ...changes }: WispProps = {}) {
    super(scope, id);
    this.#parts = addService(this, {
      ...presets[preset],
      ...changes,
      stackName: deploymentName ?? Stack.of(this).stackName,
    });
    addOutputs(this, this.#parts);
    this.webSocketUrl = this.#parts.webSocketUrl;
    this.adminUrl = this.#parts.http.adminUrl;
    this.publishUrl = this.#parts.http.publishUrl;
    this.edgeHost = this.#parts.fleet?.balancer.host;
  }

  /** Allows `grantee` all requests of the admin API: every operation on every tenant. */
  grantAdmin(grantee: IGrantable): Grant {
    return this.#parts.http.grantAdmin(grantee);
  }
}
