/**
 * API Gateway's own error, as a text frame to a client or the body of a refused handshake. A space after the first
 * colon and nowhere else, as captured: clients compare strings.
 */
export function errorBody(message: string, connectionId: string, requestId: string): string {
  return `{"message": ${JSON.stringify(message)}, "connectionId":"${connectionId}", "requestId":"${requestId}"}`;
}
