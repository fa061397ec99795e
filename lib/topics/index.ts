/**
 * Topic names and filters: validity, matching, shapes for tuple-space search, skip-scan of retained
 * messages.
 */
export type { TopicError } from './errors.ts';
export { topicLimits } from './limits.ts';
export { covers, matches } from './match.ts';
export {
  isTopicError,
  type ParsedFilter,
  parseFilter,
  validateTopicName,
} from './names.ts';
export { candidateFilters, shapeOf } from './shapes.ts';
export { compareUtf8, nextSeek, scanRange } from './skip-scan.ts';
