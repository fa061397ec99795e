import { Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type ITable, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { tableVariables } from '../../lib/aws/environment.ts';
import { type TableKind, tableNames, tableSchemas } from '../../lib/store/schema.ts';
import type { TableAction } from '../access.ts';
import type { StageSettings } from '../settings.ts';
import type { Grantee } from './grantee.ts';
import { removalPolicyOf } from './removal.ts';

/** A table of the stack, or one that exists already. */
type AnyTable = Pick<ITable, 'tableArn' | 'tableName' | 'metric'>;

/**
 * The tables of `lib/store/schema.ts`: on demand, so that idle tables cost nothing but storage, and
 * encrypted with keys that DynamoDB owns. CloudFormation generates the names, so deployments never
 * collide. Tables that exist already are used as they are.
 */
export class Tables extends Construct {
  readonly byKind: Readonly<Record<TableKind, AnyTable>>;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    const find = (kind: TableKind): [TableKind, AnyTable] => {
      const tableName = settings.existingTables?.[kind];
      if (tableName === undefined) return [kind, this.makeTable(kind, settings)];
      return [kind, Table.fromTableName(this, capitalised(kind), tableName)];
    };
    this.byKind = Object.fromEntries(tableNames.map(find)) as Record<TableKind, AnyTable>;
  }

  private makeTable(kind: TableKind, settings: StageSettings): Table {
    const { partitionKey, sortKey, timeToLive, indexes = {} } = tableSchemas[kind];
    const days = settings.pointInTimeRecoveryDays;
    const table = new Table(this, capitalised(kind), {
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      ...(sortKey === undefined ? {} : { sortKey: { name: sortKey, type: AttributeType.STRING } }),
      ...(timeToLive === undefined ? {} : { timeToLiveAttribute: timeToLive }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification:
        days > 0
          ? { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: days }
          : { pointInTimeRecoveryEnabled: false },
      deletionProtection: settings.retainData && settings.protect,
      removalPolicy: removalPolicyOf(settings),
    });
    for (const [indexName, index] of Object.entries(indexes)) {
      table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
        sortKey: { name: index.sortKey, type: AttributeType.STRING },
        projectionType: ProjectionType.KEYS_ONLY,
      });
    }
    if (days === 0) {
      Validations.of(table).acknowledge({
        id: 'AwsSolutions-DDB3',
        reason: 'The settings of this deployment give up point-in-time recovery: its data is for trying.',
      });
    }
    return table;
  }

  /** Allows `target` only `actions` on one table, and sets the table's name. */
  grant(target: Grantee, kind: TableKind, actions: readonly TableAction[]): void {
    const table = this.byKind[kind];
    target.addToRolePolicy(
      new PolicyStatement({
        actions: actions.map((action) => `dynamodb:${action}`),
        resources: [table.tableArn],
      }),
    );
    target.addEnvironment(tableVariables[kind], table.tableName);
  }

  /** Allows `target` to query one index. */
  grantIndex(target: Grantee, kind: TableKind, index: string): void {
    const resources = [`${this.byKind[kind].tableArn}/index/${index}`];
    target.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Query'], resources }));
  }
}

/** `sessions` → `Sessions`, for construct ids and outputs. */
export function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
