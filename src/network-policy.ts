/** How far the code in a sandbox reaches. */
export enum EgressPolicy {
  /** Any address on the internet, over TCP. */
  INTERNET = 'internet',
  /** No address at all. */
  NOTHING = 'nothing',
  /** What the security groups and the routes of a VPC let through. */
  VPC = 'vpc',
  /** The servers of the allowed domains, and what `allowTo` opened besides. */
  DOMAINS = 'domains',
  /** Not known here: the connector was made elsewhere. */
  UNKNOWN = 'unknown',
}

/** What a network does in fact let out. */
export interface NetworkPolicy {
  /** How far the code in a sandbox reaches. */
  readonly egress: EgressPolicy;

  /**
   * The names of `allowDomains`, in lower case.
   *
   * @default - names decide nothing: see `egress`
   */
  readonly allowedDomains?: string[];

  /** In words: what enforces it, and what that does not stop. */
  readonly enforcedBy: string;
}
