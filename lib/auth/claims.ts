import { type Flaw, isGrantFilter, isObject } from './claim-shapes.ts';
import { rulesFromAcl } from './emqx-acl.ts';
import type { Identity, PermissionRule } from './permissions.ts';

type Claims = Omit<Identity, 'tenant'>;

/** Year 9999: later times are not dates, and DynamoDB and timers could not hold them. */
const maxTimeSeconds = 253_402_300_799;
/** Bound of `sub`, `username` and a demanded client id; each may become part of a topic. */
const maxTextCharacters = 1_024;

/**
 * Reads what Wisp uses of verified claims. A claim of a wrong form refuses the token as a whole: half of a list of
 * rules is another list. A token without grants is good for nothing, but not wrong.
 */
export function readClaims(payload: { readonly [claim: string]: unknown }): Claims | Flaw {
  const { exp, sub, username, mqtt, acl } = payload;
  if (typeof exp === 'number' && !(exp <= maxTimeSeconds)) return { flaw: '"exp" is not a time' };
  if (sub !== undefined && !isText(sub)) return { flaw: '"sub" is not a text' };
  // The native claim counts alone where a token has both.
  const granted =
    mqtt !== undefined ? fromNativeClaim(mqtt) : acl !== undefined ? fromAcl(acl) : { grants: [] };
  if ('flaw' in granted) return granted;
  return {
    ...(sub === undefined ? {} : { subject: sub }),
    ...(isText(username) ? { username } : {}),
    ...(typeof exp === 'number' ? { expiresAtSeconds: Math.floor(exp) } : {}),
    ...granted,
  };
}

function fromAcl(acl: unknown): Pick<Claims, 'grants'> | Flaw {
  const rules = rulesFromAcl(acl);
  return 'flaw' in rules ? rules : { grants: rules };
}

const nativeMembers = new Set(['clientId', 'publish', 'subscribe']);

/**
 * Claim `mqtt`: `{ clientId?, publish?: [...], subscribe?: [...] }`, filters with MQTT wildcards and placeholders.
 * Unknown members are refused: something like `deny` must not be passed over.
 */
function fromNativeClaim(claim: unknown): Pick<Claims, 'grants' | 'clientId'> | Flaw {
  if (!isObject(claim)) return { flaw: '"mqtt" is not an object' };
  if (!Object.keys(claim).every((member) => nativeMembers.has(member))) {
    return { flaw: '"mqtt" has members besides "clientId", "publish" and "subscribe"' };
  }
  const { clientId } = claim;
  if (clientId !== undefined && !isText(clientId)) return { flaw: '"mqtt.clientId" is not a text' };
  const grants: PermissionRule[] = [];
  for (const action of ['publish', 'subscribe'] as const) {
    const filters = claim[action] ?? [];
    if (!Array.isArray(filters)) return { flaw: `"mqtt.${action}" is not a list` };
    for (const filter of filters) {
      if (!isGrantFilter(filter)) return { flaw: `"mqtt.${action}" holds something else than topic filters` };
      grants.push({ effect: 'allow', action, filter });
    }
  }
  return clientId === undefined ? { grants } : { grants, clientId };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxTextCharacters;
}
