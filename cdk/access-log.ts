const first = {
  requestId: '$context.requestId',
  extendedRequestId: '$context.extendedRequestId',
  time: '$context.requestTime',
} as const;

const last = {
  sourceIp: '$context.identity.sourceIp',
  status: '$context.status',
  // Not messageString, which brings quotation marks of its own and would end the text here.
  error: '$context.error.message',
  integrationStatus: '$context.integrationStatus',
  integrationError: '$context.integrationErrorMessage',
  integrationLatencyMilliseconds: '$context.integrationLatency',
} as const;

/**
 * One line of JSON per event of the WebSocket API. No header, body or query string: browsers send
 * their token in the query.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
 */
export const webSocketLogFields = {
  ...first,
  event: '$context.eventType',
  route: '$context.routeKey',
  connectionId: '$context.connectionId',
  messageId: '$context.messageId',
  ...last,
} as const;

/**
 * One line of JSON per request of the HTTP API. Neither path nor query: they contain client ids and
 * topics.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
export const httpLogFields = {
  ...first,
  route: '$context.routeKey',
  caller: '$context.identity.userArn',
  ...last,
} as const;
