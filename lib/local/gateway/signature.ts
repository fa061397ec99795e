import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** IAM authorisation of `$connect`. */
export interface IamAuthorization {
  /** Secret access keys by access key id. */
  readonly accessKeys: Readonly<Record<string, string>>;
  readonly region: string;
}

/** How far the time of a signature may be off, in milliseconds, as in AWS. */
const maxSkewMs = 300_000;

const pattern =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/execute-api\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/**
 * Whether the header `Authorization` of a handshake has a valid AWS Signature Version 4. Not
 * checked, other than in AWS: what a policy allows the key, session tokens, and signatures in the
 * query, which are refused.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
export function isSigned(
  { method = '', url = '', headers }: IncomingMessage,
  { accessKeys, region }: IamAuthorization,
  nowMs: number,
): boolean {
  const [, keyId = '', day = '', scopeRegion, signedNames = '', given = ''] =
    pattern.exec(headers.authorization ?? '') ?? [];
  const secret = Object.hasOwn(accessKeys, keyId) ? accessKeys[keyId] : undefined;
  const date = String(headers['x-amz-date'] ?? '');
  if (secret === undefined || scopeRegion !== region || !date.startsWith(day)) return false;
  if (!(Math.abs(timeOf(date) - nowMs) <= maxSkewMs)) return false;
  const names = signedNames.split(';');
  const mustBeSigned = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  if (mustBeSigned.some((name) => !names.includes(name) || headers[name] === undefined)) return false;

  const [path = '', query = ''] = url.split('?');
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    [...new URLSearchParams(query)]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...names.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replaceAll(/ +/g, ' ')}`,
    ),
    '',
    signedNames,
    sha256(''),
  ].join('\n');
  const scope = `${day}/${region}/execute-api/aws4_request`;
  const key = [day, region, 'execute-api', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  const wanted = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`);
  return timingSafeEqual(wanted, Buffer.from(given, 'hex'));
}

/** The time of `20261128T150900Z`; NaN: it is none. */
function timeOf(date: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
