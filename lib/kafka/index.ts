/** The target `kafka` of rules, in a layer of its own: its client is larger than all others. */

export { createKafkaTarget } from './kafka-target.ts';
