import { RemovalPolicy } from 'aws-cdk-lib';
import type { StageSettings } from '../settings.ts';

/**
 * What becomes of tables and logs with their stack. Those of a first deployment that fails are
 * deleted in any case, so that it can be repeated.
 */
export function removalPolicyOf({ retainData }: StageSettings): RemovalPolicy {
  return retainData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
