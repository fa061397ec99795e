import { splitPackets } from '../../lib/wire/index.ts';
import { testExchanges } from '../broker/cases/run-exchanges.ts';
import { testVectors } from '../broker/cases/run-vectors.ts';
import { useSuite } from '../broker/suite.ts';
import { openRawTcp } from '../support/raw-tcp-client.ts';
import { edgeOf } from './edged.ts';

const suite = useSuite({}, async (service) => {
  const edge = await edgeOf(service);
  return { open: ({ version }) => openRawTcp(edge.mqttPort ?? 0, version), close: () => edge.close() };
});

testExchanges(suite);
testVectors(suite, {
  // Bytes that end within a packet are no error in a stream.
  isSendable({ hex }) {
    const { rest, error } = splitPackets(Buffer.from(hex, 'hex'));
    return rest.length === 0 || error !== undefined;
  },
  answersStrangers: false,
});
