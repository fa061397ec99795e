/** What the shell gives to every page. */
export interface PageProps {
  /** The tenant of the address. Pages of a tenant always have one; for others it may be empty. */
  readonly tenant: string;
}
