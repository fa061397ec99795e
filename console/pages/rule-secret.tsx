import { useState } from 'preact/hooks';
import { admin, server } from '../api/call.ts';
import type { Rule } from '../api/rule-types.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Choice, TextField } from '../parts/fields.tsx';
import { attempt, toastDone } from '../parts/toasts.tsx';
import { secretKindOf } from '../rules/target-fields.ts';

/** A secret as it is given: one that this machine creates, or a text. No answer repeats it. */
export interface GivenSecret {
  readonly source: 'create' | 'paste';
  readonly text: string;
}

export const noSecret: GivenSecret = { source: 'create', text: '' };

/** Whether there is something to store. */
export function isGiven({ source, text }: GivenSecret, kind: 'webhook' | 'password'): boolean {
  return (source === 'create' && kind === 'webhook') || text !== '';
}

/** @param rotate whether the rule has one, which then signs too */
export async function storeSecret(
  tenant: string,
  rule: string,
  kind: 'webhook' | 'password',
  { source, text }: GivenSecret,
  rotate: boolean,
): Promise<string> {
  if (source === 'create' && kind === 'webhook') {
    const body = { tenant, rule, ...(rotate ? { rotate } : {}) };
    const { path } = await server<{ path: string }>('POST', '/rule-secrets', { body });
    return `The receiver needs the signing secret, which is in ${path} on the machine of this console.`;
  }
  const path = `/tenants/${encodeURIComponent(tenant)}/rules/${encodeURIComponent(rule)}/secret`;
  await admin('PUT', path, { body: { secret: text } });
  return `The secret of ${rule} is set.`;
}

/** How a secret comes. */
export function SecretFields(props: {
  readonly kind: 'webhook' | 'password';
  readonly secret: GivenSecret;
  readonly onChange: (secret: GivenSecret) => void;
}) {
  const { kind, secret, onChange } = props;
  const isPasted = kind === 'password' || secret.source === 'paste';
  return (
    <>
      {kind === 'webhook' && (
        <Choice
          label="Signing secret"
          value={secret.source}
          onChange={(source) => onChange({ ...secret, source })}
          hint={secret.source === 'create' ? 'In a file, for the receiver' : undefined}
          options={[
            ['create', 'create it on this machine'],
            ['paste', 'paste it'],
          ]}
        />
      )}
      {isPasted && (
        <TextField
          label={kind === 'webhook' ? 'Secret' : 'Password of the user'}
          type="password"
          value={secret.text}
          onChange={(text) => onChange({ ...secret, text })}
          isMono
          hint={kind === 'webhook' ? 'whsec_ and base64; it is not shown again' : 'It is not shown again'}
        />
      )}
    </>
  );
}

export function RuleSecretDialog(props: {
  readonly tenant: string;
  readonly rule: Rule;
  /** `/tenants/acme/rules/hook` */
  readonly path: string;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { tenant, rule, path, onClose, onDone } = props;
  const [secret, setSecret] = useState(noSecret);
  const kind = secretKindOf(rule.target) ?? 'webhook';
  const hasOne = rule.secret?.since !== undefined;
  const endPrevious = async () => {
    const isDone = await attempt(
      () => admin('DELETE', `${path}/secret/previous`),
      'Only the current secret is used.',
    );
    if (!isDone) return;
    onDone();
    onClose();
  };
  return (
    <Dialog
      title={`Secret of ${rule.name}`}
      action={hasOne ? 'Rotate' : 'Set'}
      isReady={isGiven(secret, kind)}
      onClose={onClose}
      onSubmit={async () => {
        toastDone(await storeSecret(tenant, rule.name, kind, secret, hasOne));
        onDone();
      }}
    >
      {hasOne && <p>The present secret signs too until you end it, so that receivers can change over.</p>}
      {rule.secret?.hasPrevious === true && (
        <div>
          <button type="button" class="button" onClick={() => void endPrevious()}>
            End the previous secret
          </button>
        </div>
      )}
      <SecretFields kind={kind} secret={secret} onChange={setSecret} />
    </Dialog>
  );
}
