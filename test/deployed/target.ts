import type { TargetOptions } from '../../lib/cli/target.ts';

/** The deployment under test: what the setup hands to the suite. */
export interface DeployedTarget {
  /** WebSocket URL of the stage. */
  readonly url: string;
  /** What the `wisp` command would be given to reach it. */
  readonly options: TargetOptions;
  /** Present where the setup has deployed the stack itself, twice, to an emulator. */
  readonly deployment?: {
    readonly endpoint: string;
    readonly region: string;
    readonly stackName: string;
    /** A tenant that was made between the two. */
    readonly tenantBeforeUpdate: string;
  };
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly deployed: DeployedTarget;
  }
}
