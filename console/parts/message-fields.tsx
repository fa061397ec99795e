import { payloadBytes } from '../mqtt/payload.ts';
import { Choice, Switch, TextField } from './fields.tsx';

/** A message as it is typed. */
export interface Draft {
  readonly topic: string;
  readonly payload: string;
  readonly form: 'text' | 'hex' | 'base64';
  readonly qos: '0' | '1' | '2';
  readonly retain: boolean;
  readonly contentType: string;
  readonly responseTopic: string;
  readonly correlationData: string;
  readonly expirySeconds: string;
  /** `name: value`, one on a line. */
  readonly userProperties: string;
}

export const emptyDraft: Draft = {
  topic: '',
  payload: '',
  form: 'text',
  qos: '0',
  retain: false,
  contentType: '',
  responseTopic: '',
  correlationData: '',
  expirySeconds: '',
  userProperties: '',
};

export const qosOptions = [
  ['0', '0 – at most once'],
  ['1', '1 – at least once'],
  ['2', '2 – exactly once'],
] as const;

const forms = [
  ['text', 'Text or JSON'],
  ['hex', 'Hex'],
  ['base64', 'Base64'],
] as const;

/** What is wrong with the payload, in words; undefined: nothing. */
export function payloadFlaw({ payload, form }: Draft): string | undefined {
  try {
    payloadBytes(payload, form);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** User properties in their order; the same name may come twice. */
export function userPropertiesOf({ userProperties }: Draft): (readonly [string, string])[] {
  return userProperties.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    if (line.trim() === '') return [];
    return colon === -1
      ? [[line.trim(), ''] as const]
      : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const];
  });
}

/** Fields of a message; the properties of MQTT 5.0 where the client has them. */
export function MessageFields(props: {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  readonly hasProperties: boolean;
}) {
  const { draft, onChange, hasProperties } = props;
  const set =
    <Name extends keyof Draft>(name: Name) =>
    (value: Draft[Name]) =>
      onChange({ ...draft, [name]: value });
  return (
    <>
      <TextField label="Topic" value={draft.topic} onChange={set('topic')} isMono isRequired />
      <TextField
        label="Payload"
        value={draft.payload}
        onChange={set('payload')}
        isMono
        rows={4}
        flaw={payloadFlaw(draft)}
      />
      <div class="fields">
        <Choice label="Payload typed as" value={draft.form} onChange={set('form')} options={forms} />
        <Choice label="QoS" value={draft.qos} onChange={set('qos')} options={qosOptions} />
        <Switch label="Retain" isOn={draft.retain} onChange={set('retain')} />
      </div>
      {hasProperties && (
        <details>
          <summary>Properties</summary>
          <div class="fields">
            <TextField label="Content type" value={draft.contentType} onChange={set('contentType')} />
            <TextField
              label="Response topic"
              value={draft.responseTopic}
              onChange={set('responseTopic')}
              isMono
            />
            <TextField
              label="Correlation data"
              value={draft.correlationData}
              onChange={set('correlationData')}
              isMono
            />
            <TextField
              label="Expires after, in seconds"
              type="number"
              min={0}
              value={draft.expirySeconds}
              onChange={set('expirySeconds')}
            />
            <TextField
              label="User properties"
              value={draft.userProperties}
              onChange={set('userProperties')}
              isMono
              rows={2}
              hint="name: value, one on a line"
            />
          </div>
        </details>
      )}
    </>
  );
}
