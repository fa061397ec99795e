import { describe, expect, it } from 'vitest';
import { readSettings, refuseForgottenTables } from '../../cdk/read-settings.ts';
import { SettingsError } from '../../cdk/read-values.ts';
import { presets } from '../../cdk/settings.ts';
import { tableNames } from '../../lib/store/schema.ts';
import { Synthesised } from './synthesise.ts';

const given = 'sessions:Wisp-TablesSessions1-ABC,tenants:wisp-restored.tenants';
const settings = readSettings((name) => ({ stage: 'prod', tables: given })[name]);

describe('tables that exist already', () => {
  const stack = new Synthesised(settings);

  it('are no resources of the stack, and the other tables are', () => {
    expect(Object.keys(stack.resources('AWS::DynamoDB::Table'))).toHaveLength(tableNames.length - 2);
  });

  it('are what the functions may use, and what the outputs name', () => {
    const policies = JSON.stringify(stack.resources('AWS::IAM::Policy'));
    expect(policies).toContain(':table/Wisp-TablesSessions1-ABC');
    expect(policies).toContain(':table/wisp-restored.tenants');
    const functions = JSON.stringify(stack.resources('AWS::Lambda::Function'));
    expect(functions).toContain('"SESSIONS_TABLE":"Wisp-TablesSessions1-ABC"');
    expect(stack.outputs()).toMatchObject({
      SessionsTableName: { Value: 'Wisp-TablesSessions1-ABC' },
      TenantsTableName: { Value: 'wisp-restored.tenants' },
      ExistingTables: { Value: given },
    });
  });

  it('are not forgotten: the next deployment without them would begin with empty ones', () => {
    const forgotten = () => refuseForgottenTables(given, presets.prod);
    expect(forgotten).toThrow(SettingsError);
    expect(forgotten).toThrow(`-c tables=${given}`);
    expect(() => refuseForgottenTables(given, settings)).not.toThrow();
    expect(() => refuseForgottenTables(undefined, presets.prod)).not.toThrow();
  });
});
