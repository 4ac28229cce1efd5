import type { NetworkPolicy } from './network-policy';

/** What reaches the sandboxes of a pool from outside. */
export enum IngressPolicy {
  /** Requests to ports of the sandbox, with a platform token for the port. */
  HTTP = 'http',
  /** The same, and a root shell, with a platform token for the shell. */
  HTTP_AND_SHELL = 'http-and-shell',
  /** Nothing. */
  NONE = 'none',
}

/** What the sandboxes of a pool do in fact reach, and what reaches them. */
export interface PoolNetworkPolicy extends NetworkPolicy {
  /** What reaches them. The platform enforces it. */
  readonly ingress: IngressPolicy;
}
