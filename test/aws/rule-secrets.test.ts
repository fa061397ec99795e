import { describe, expect, it } from 'vitest';
import { createRuleSecrets } from '../../lib/aws/rule-secrets.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createRequestHandler, inputOf, jsonResponse, operationOf } from '../../lib/local/aws-json.ts';

const acme = vouchedTenantId('acme');
const of = (...values: string[]) => values.map((value) => ({ value, sinceMs: 7 }));
const text = (...values: string[]) => JSON.stringify(of(...values));

/** The part of Secrets Manager that is called. */
function secretsManager() {
  const stored = new Map<string, string>();
  const calls: string[] = [];
  let fails = false;
  const refusal = (type: string) => jsonResponse(400, { __type: type, Message: 'no' });
  const requestHandler = createRequestHandler(async (request) => {
    const input = inputOf(request) ?? {};
    const operation = operationOf(request);
    const name = String(input.SecretId ?? input.Name);
    calls.push(`${operation} ${name}`);
    if (fails) return refusal('InvalidRequestException');
    const isCreate = operation === 'CreateSecret';
    if (stored.has(name) === isCreate)
      return refusal(isCreate ? 'ResourceExistsException' : 'ResourceNotFoundException');
    if (operation === 'DeleteSecret') {
      expect(input.ForceDeleteWithoutRecovery).toBe(true);
      stored.delete(name);
    } else if (operation !== 'GetSecretValue') stored.set(name, String(input.SecretString));
    return jsonResponse(200, { Name: name, SecretString: stored.get(name) });
  });
  let nowMs = 0;
  const options = { region: 'eu-west-3', credentials: localCredentials, requestHandler };
  return {
    calls,
    stored,
    secrets: createRuleSecrets(() => nowMs, options),
    fail: (value: boolean) => {
      fails = value;
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const name = 'wisp/rules/acme/hook';

describe('secrets of rules in AWS Secrets Manager', () => {
  it('are created, replaced and deleted under the names of tenant and rule', async () => {
    const { secrets, stored } = secretsManager();
    expect(await secrets.read(acme, 'hook')).toEqual([]);
    await secrets.write(acme, 'hook', of('one'));
    expect(await secrets.read(acme, 'hook')).toEqual(['one']);
    await secrets.write(acme, 'hook', of('two', 'one', 'zero'));
    expect(await secrets.read(acme, 'hook')).toEqual(['two', 'one']);
    expect([...stored]).toEqual([[name, text('two', 'one')]]);
    await secrets.delete(acme, 'hook');
    await secrets.delete(acme, 'hook');
    expect(await secrets.read(acme, 'hook')).toEqual([]);
  });

  it('are read once a minute, also where there is none', async () => {
    const { secrets, stored, calls, pass } = secretsManager();
    stored.set(name, text('one'));
    for (let read = 0; read < 100; read += 1) await secrets.read(acme, 'hook');
    await Promise.all([secrets.read(acme, 'none'), secrets.read(acme, 'none')]);
    expect(calls).toEqual([`GetSecretValue ${name}`, 'GetSecretValue wisp/rules/acme/none']);
    stored.set(name, text('two'));
    pass(59_999);
    expect(await secrets.read(acme, 'hook')).toEqual(['one']);
    pass(1);
    expect(await secrets.read(acme, 'hook')).toEqual(['two']);
  });

  it('that cannot be read are asked for again; what is no list is no secret', async () => {
    const { secrets, stored, fail } = secretsManager();
    stored.set(name, text('one'));
    fail(true);
    await expect(secrets.read(acme, 'hook')).rejects.toThrow();
    fail(false);
    expect(await secrets.read(acme, 'hook')).toEqual(['one']);
    for (const [rule, text] of [
      ['text', 'plain'],
      ['object', '{"a":1}'],
      ['numbers', '[1]'],
    ] as const) {
      stored.set(`wisp/rules/acme/${rule}`, text);
      expect(await secrets.read(acme, rule)).toEqual([]);
    }
  });
});
