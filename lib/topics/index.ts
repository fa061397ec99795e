/**
 * Topic names and filters: validity, matching, shapes for tuple-space search, skip-scan of retained
 * messages.
 */
export { isIllFormedFilter, type TopicError } from './errors.ts';
export { topicLimits } from './limits.ts';
export { candidateFilters, covers, matches, shapeOf, undividedShapeOf } from './match.ts';
export {
  exceedsLimits,
  isTopicError,
  type ParsedFilter,
  parseFilter,
  validateTopicName,
} from './names.ts';
export { compareUtf8, nextSeek, scanRange } from './skip-scan.ts';
