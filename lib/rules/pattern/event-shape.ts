/** What an event may hold at a place: any JSON, a value or a list of values, or these members. */
export type EventShape = 'any' | 'value' | { readonly [name: string]: EventShape };

/** The members of a RuleEvent (lib/rules/event.ts) and of its properties. */
export const eventShape = {
  id: 'value',
  tenant: 'value',
  topic: 'value',
  levels: 'value',
  time: 'value',
  clientId: 'value',
  qos: 'value',
  retain: 'value',
  properties: {
    contentType: 'value',
    responseTopic: 'value',
    correlationData: 'value',
    payloadFormatIndicator: 'value',
    user: 'any',
  },
  payload: 'any',
} as const satisfies EventShape;
