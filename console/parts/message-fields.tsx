import { base64, payloadBytes } from '../mqtt/payload.ts';
import { namedLines } from '../named-lines.ts';
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

/** The message as the admin API takes it. */
export function messageOf(draft: Draft): object {
  const { topic, retain, contentType, responseTopic, correlationData, expirySeconds } = draft;
  const userProperties = namedLines(draft.userProperties);
  return {
    topic,
    payload: base64(payloadBytes(draft.payload, draft.form)),
    encoding: 'base64',
    qos: Number(draft.qos),
    retain,
    ...(contentType === '' ? {} : { contentType }),
    ...(responseTopic === '' ? {} : { responseTopic }),
    ...(correlationData === '' ? {} : { correlationData: base64(payloadBytes(correlationData, 'text')) }),
    ...(expirySeconds === '' ? {} : { expirySeconds: Number(expirySeconds) }),
    ...(userProperties.length === 0 ? {} : { userProperties }),
  };
}

/** Fields of a message; the properties of MQTT 5.0 where the client has them. */
export function MessageFields(props: {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  readonly hasProperties: boolean;
  /** Whether the message may expire. Default: true. */
  readonly hasExpiry?: boolean;
}) {
  const { draft, onChange, hasProperties, hasExpiry = true } = props;
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
            {hasExpiry && (
              <TextField
                label="Expires after, in seconds"
                type="number"
                min={0}
                value={draft.expirySeconds}
                onChange={set('expirySeconds')}
              />
            )}
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
