/**
 * Stands in for `@aws-sdk/endpoint-cache` in the functions. DynamoDB's client makes one for endpoint discovery, which is off
 * unless AWS_ENABLE_ENDPOINT_DISCOVERY says otherwise; the real one brings 8 KB of data structures with it. Without
 * a cache discovery would still work, by asking each time.
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
