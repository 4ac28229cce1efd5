import type { NamedPolicy } from './role-store';
import type { ServiceError } from '../services/service-error';

/** Values of the request that conditions of policies look at, by key. */
export type ContextKeys = Readonly<Record<string, string | readonly string[]>>;

/** A right that a call needs. */
export interface Access {
  /** As in `lambda:RunMicrovm`. */
  readonly action: string;
  /** An ARN, or `*` for actions that know no resource. */
  readonly resource: string;
  readonly context?: ContextKeys;
  /** It decides only whether the caller learns that something is not there: no denial to tell of. */
  readonly conceals?: boolean;
  /** What the service answers without the right. Default: its AccessDenied. */
  readonly refusal?: ServiceError;
}

/** One question to IAM: may this principal do this to this resource? */
export interface AuthorizationRequest {
  /** ARN of the session of a role, or a service as in `events.amazonaws.com`. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** Twelve digits. */
  readonly resourceAccount: string;
  readonly context: ContextKeys;
  /** Policies of the role; of a service none. */
  readonly identityPolicies: readonly NamedPolicy[];
  readonly permissionsBoundary?: NamedPolicy;
  /** The policy of a bucket or function, or the trust policy of a role. */
  readonly resourcePolicy?: unknown;
}

export interface AuthorizationDecision {
  readonly allowed: boolean;
  /** Of a denial: the kind of policy that denies explicitly. Absent: nothing allows it. */
  readonly explicitDenyIn?: 'identity-based policy' | 'resource-based policy' | 'permissions boundary';
  /** Of a denial: the role's policies allow it, and its permissions boundary does not. */
  readonly outsideBoundary?: boolean;
}

/** Decides what IAM would decide. */
export type Authorize = (request: AuthorizationRequest) => Promise<AuthorizationDecision> | AuthorizationDecision;

/** A call that was not allowed. */
export interface DeniedEvent {
  readonly kind: 'denied';
  /** ARN of the session of a role, or a service. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** As AWS words it. */
  readonly message: string;
}

/** The text of an AccessDenied. S3 alone puts the resource into quotation marks. */
export function denialMessage(
  { principal, action, resource }: AuthorizationRequest, decision: AuthorizationDecision,
): string {
  const target = action.startsWith('s3:') ? `"${resource}"` : resource;
  return `User: ${principal} is not authorized to perform: ${action} on resource: ${target} ${reasonOf(action, decision)}`;
}

function reasonOf(action: string, { explicitDenyIn, outsideBoundary }: AuthorizationDecision): string {
  if (explicitDenyIn) return `with an explicit deny in ${explicitDenyIn === 'identity-based policy' ? 'an' : 'a'} ${explicitDenyIn}`;
  return `because no ${outsideBoundary ? 'permissions boundary' : 'identity-based policy'} allows the ${action} action`;
}
