/** The lease of an edge process (docs/architecture.md). */
export interface EdgeLease {
  /** API Gateway's connection id of the process's back door. */
  readonly door: string;
  /** By the clock of the edge, in ms since 1970: compare it with other values of it only. */
  readonly renewedAtMs: number;
  /** Its connections are being ended, or have been. */
  readonly isDead: boolean;
}

/**
 * Edge processes: their leases, and the blocks of channels they use (lib/core/edge-address.ts). The
 * rows of a dead edge expire by TTL after a day.
 */
export interface EdgeStore {
  /**
   * Notes whose back door a connection is, for its `$disconnect`. Call it before the lease names
   * the door. Idempotent.
   */
  registerDoor(edge: string, door: string): Promise<void>;
  /** The edge of a back door, strongly consistent. */
  edgeOfDoor(door: string): Promise<string | undefined>;
  /** Writes the lease of a new process. Idempotent. */
  begin(edge: string, door: string, atMs: number): Promise<void>;
  /**
   * Idempotent.
   * @returns false if the edge has been declared dead or has no lease: it must end its connections
   *   and take a new id.
   */
  renew(edge: string, door: string, atMs: number): Promise<boolean>;
  get(edge: string, consistent?: boolean): Promise<EdgeLease | undefined>;
  /**
   * Declares an edge dead unless its lease has been renewed since `renewedAtMs` was read.
   * @returns whether it is dead now; true again where it was dead already.
   */
  declareDead(edge: string, renewedAtMs: number): Promise<boolean>;
  /**
   * Notes that channels of a block may have connections. Call it before their first CONNECT is
   * handled. Idempotent.
   * @returns false if the edge has been declared dead.
   */
  addBlock(edge: string, block: number): Promise<boolean>;
  /** Notes that no channel of a block has a connection any more, or ever will. Idempotent. */
  removeBlock(edge: string, block: number): Promise<void>;
  /** Ends the adding of blocks. @returns those that are left. Idempotent. */
  closeBlocks(edge: string): Promise<number[]>;
}
