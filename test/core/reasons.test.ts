import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { disconnectCode, type Reason, reasons, refusal, v3Answer } from '../../lib/core/reasons.ts';
import { areas, errorsPage } from './errors-page.ts';

/** All code but the catalogue. */
function sources(): string[] {
  return ['lib', 'functions', 'cdk'].flatMap((folder) => {
    const root = new URL(`../../${folder}/`, import.meta.url);
    return readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.startsWith('core/reasons'))
      .map((file) => readFileSync(new URL(file, root), 'utf8'));
  });
}

describe('the catalogue of reasons', () => {
  it('has each code in one area', () => {
    const codes = areas.flatMap((area) => Object.keys(area.reasons));
    expect(codes.toSorted()).toEqual([...new Set(codes)].toSorted());
    expect(codes.toSorted()).toEqual(Object.keys(reasons).toSorted());
  });

  it('has no code that the source does not use', () => {
    const text = sources().join('\n');
    // A table of codes writes them as keys.
    const isUsed = (code: string) => text.includes(`'${code}'`) || text.includes(`\n  ${code}: {`);
    expect(Object.keys(reasons).filter((code) => !isUsed(code))).toEqual([]);
  });

  it.each(Object.entries<Reason>(reasons))('%s has a message and a remedy in plain lines', (_, reason) => {
    expect(reason.message).toMatch(/^[^\n|]{8,160}$/);
    expect(reason.message).not.toMatch(/\.$/);
    expect(reason.remedy).toMatch(/^[A-Z][^\n|]{8,160}\.$/);
  });

  it('is docs/errors.md (after a change: npx vitest run test/core/reasons.test.ts -u)', async () => {
    await expect(errorsPage()).toMatchFileSnapshot('../../docs/errors.md');
  });
});

describe('a refusal', () => {
  it('is the code with its reason code and message, and a detail where there is one', () => {
    expect(refusal('token-expired')).toEqual({
      code: 'token-expired',
      reasonCode: 0x87,
      message: 'the token has expired',
    });
    expect(refusal('claims-malformed', '"sub" is not a text').message).toBe(
      'a claim of the token has a wrong form: "sub" is not a text',
    );
  });

  it('ends a living connection with a code that DISCONNECT may carry', () => {
    expect(disconnectCode('token-expired')).toBe(0xa0);
    expect(disconnectCode('publish-rate')).toBe(0x96);
    expect(disconnectCode('token-signature')).toBe(0x87);
    expect(disconnectCode('malformed-utf8')).toBe(0x81);
  });

  it('becomes a return code of MQTT 3.1.1, 0x80 in SUBACK, or the close of the connection', () => {
    expect(v3Answer('token-signature')).toBe(4);
    expect(v3Answer('too-many-connections')).toBe(3);
    expect(v3Answer('filter-too-deep')).toBe(0x80);
    expect(v3Answer('filter-empty')).toBe('close');
    expect(v3Answer('publish-rate')).toBe('close');
    expect(v3Answer('malformed-utf8')).toBe('close');
  });
});
