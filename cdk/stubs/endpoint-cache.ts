/**
 * Replaces `@aws-sdk/endpoint-cache` in the functions, which adds 8 KB. DynamoDB's client uses it
 * for endpoint discovery, which is disabled unless AWS_ENABLE_ENDPOINT_DISCOVERY is set. Discovery
 * works without a cache, with a request for each call.
 */
export class EndpointCache {
  get(): undefined {
    return undefined;
  }
  getEndpoint(): undefined {
    return undefined;
  }
  set(): void {}
  delete(): void {}
  has(): boolean {
    return false;
  }
  clear(): void {}
}
