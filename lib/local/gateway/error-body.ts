/**
 * API Gateway's own error, sent as a text frame or as the body of a refused handshake. The only
 * space is after the first colon, as captured from AWS: clients compare strings.
 */
export function errorBody(message: string, connectionId: string, requestId: string): string {
  return `{"message": ${JSON.stringify(message)}, "connectionId":"${connectionId}", "requestId":"${requestId}"}`;
}
