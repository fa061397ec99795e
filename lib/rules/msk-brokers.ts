/**
 * Whether AWS alone can have given this broker its name: that of a cluster of Amazon MSK in the
 * region (Amazon MSK Developer Guide, "Get the bootstrap brokers"). The token of IAM that a broker
 * gets would let it sign in to every cluster that the rule function may use.
 *
 * @param broker `host:port`.
 */
export function isMskBroker(broker: string, region: string): boolean {
  const host = broker.replace(/:\d+$/, '').toLowerCase();
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return ['kafka', 'kafka-serverless'].some((service) => host.endsWith(`.${service}.${region}.${suffix}`));
}
