import type { Construct } from 'constructs';
import type { NetworkPolicy } from '../../network-policy';

/** One kind of network. */
export interface Egress {
  /** The connectors to name, made in the user's stack where it needs any. Never empty: to the platform an empty list means the internet. */
  bind(user: Construct): string[];

  /** What it lets out, as of now. */
  policy(): NetworkPolicy;
}

/** A network that cannot be opened or narrowed. */
export interface FixedEgress extends Egress {
  /** Why, and what to use in its place. */
  readonly fixedBecause: string;
}
