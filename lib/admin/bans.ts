import * as v from 'valibot';
import { defaultSettings } from '../core/settings.ts';
import type { Ban } from '../core/store-ports/bans.ts';
import { boundedText, closedObject, wholeNumber } from '../core/validation.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody, parameter } from '../http/read.ts';
import { banClient } from '../sessions/bans.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import { type AdminCall, type AdminOperation, existingTenant } from './request.ts';
import { isoTime } from './tenant-config.ts';

const { maxBanSeconds, maxBanReasonBytes } = defaultSettings;

export const banSchema = closedObject({
  seconds: v.pipe(wholeNumber(1, maxBanSeconds), v.description('How long it may not connect.')),
  reason: v.exactOptional(
    v.pipe(boundedText(maxBanReasonBytes), v.description('The client is told it, as Reason String.')),
  ),
});

/**
 * Bans a client identifier: CONNECT gets 0x8A, and its connection ends. An earlier ban is replaced.
 */
export const ban: AdminOperation = async (call) => {
  const { seconds, reason } = jsonBody(call.request, banSchema);
  const key = await clientKey(call);
  const how = { by: 'operator', seconds, ...(reason === undefined ? {} : { reason }) } as const;
  const banned = await banClient(call.context, key, how);
  if (banned === 'unknown') throw new Problem('tenant-unknown');
  if (banned === 'full')
    throw new Problem('bans-full', { detail: `at most ${call.context.settings.maxBans}` });
  const { untilMs, disconnected } = banned;
  return { status: 200, body: { clientId: key.clientId, until: isoTime(untilMs), disconnected } };
};

export const unban: AdminOperation = async (call) => {
  if (!(await call.context.bans.end(await clientKey(call)))) throw new Problem('ban-unknown');
  return { status: 204 };
};

/** Clients that are banned now. */
export const listBans: AdminOperation = async (call) => {
  const { context, request } = call;
  const tenant = await existingTenant(call);
  const after = pageStart(request.query, 1)?.[0];
  const { bans, next } = await context.bans.list(tenant, after, pageLimit(request.query));
  return {
    status: 200,
    body: { bans: bans.map(banJson), ...(next === undefined ? {} : { next: pageToken(next) }) },
  };
};

function banJson({ clientId, atMs, untilMs, by, reason }: Ban): object {
  return {
    clientId,
    at: isoTime(atMs),
    until: isoTime(untilMs),
    by,
    ...(reason === undefined ? {} : { reason }),
  };
}

async function clientKey(call: AdminCall) {
  const tenant = await existingTenant(call);
  const clientId = parameter(call.request.query, 'clientId');
  const { maxClientIdBytes } = call.context.settings;
  if (Buffer.byteLength(clientId) > maxClientIdBytes || clientId.includes('\0'))
    throw new Problem('client-id', { detail: `at most ${maxClientIdBytes} bytes` });
  return { tenant, clientId };
}
