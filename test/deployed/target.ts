import type { TargetOptions } from '../../lib/cli/target.ts';

/** The deployment under test, which the set-up provides to the suite. */
export interface DeployedTarget {
  /** WebSocket URL of the stage. */
  readonly url: string;
  /** Options with which the `wisp` command reaches it. */
  readonly options: TargetOptions;
  /** Present if the set-up itself deployed and updated the stack on an emulator. */
  readonly deployment?: {
    readonly endpoint: string;
    readonly region: string;
    readonly stackName: string;
    /** A tenant that was created before the update. */
    readonly tenantBeforeUpdate: string;
  };
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly deployed: DeployedTarget;
  }
}
