/**
 * One line of JSON per event. No header, body or query string: browsers send their token in the
 * query.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
 */
export const accessLogFields = {
  requestId: '$context.requestId',
  extendedRequestId: '$context.extendedRequestId',
  time: '$context.requestTime',
  event: '$context.eventType',
  route: '$context.routeKey',
  connectionId: '$context.connectionId',
  messageId: '$context.messageId',
  sourceIp: '$context.identity.sourceIp',
  status: '$context.status',
  // Not messageString, which brings quotation marks of its own and would end the text here.
  error: '$context.error.message',
  integrationStatus: '$context.integrationStatus',
  integrationError: '$context.integrationErrorMessage',
  integrationLatencyMilliseconds: '$context.integrationLatency',
} as const;
