import type { Clock } from '../clock';
import type { Access, AuthorizationDecision, AuthorizationRequest, Authorize, ContextKeys, DeniedEvent } from './authorization';
import { denialMessage } from './authorization';
import type { RolePolicies } from './role-store';

const MAX_DENIALS = 1000;

export interface AccessControlOptions {
  readonly account: string;
  readonly region: string;
  readonly clock: Pick<Clock, 'now'>;
  /** Absent: everything is allowed. */
  readonly authorize?: Authorize;
  readonly onDenied?: (event: DeniedEvent) => void;
  /** The policy of a bucket or function. Undefined: it has none. */
  readonly resourcePolicy?: (resourceArn: string) => unknown;
}

/** Who asks. */
export interface Caller {
  /** ARN of a user or of the session of a role, or a service as in `events.amazonaws.com`. */
  readonly principal: string;
  readonly policies: RolePolicies;
  /** What the request's context has because of the caller. */
  readonly context: ContextKeys;
}

/** Asks the `authorize` of the cloud, with everything that IAM would look at. */
export class AccessControl {
  readonly #denials: DeniedEvent[] = [];

  constructor(private readonly options: AccessControlOptions) {}

  /** False: every authenticated caller may do everything. */
  get enforced(): boolean {
    return this.options.authorize !== undefined;
  }

  /** The newest 1000, oldest first. */
  get denials(): readonly DeniedEvent[] {
    return [...this.#denials];
  }

  /** Undefined: allowed. `resourcePolicy` takes the place of the resource's own: the trust policy of a role. */
  async refusal(caller: Caller, access: Access, resourcePolicy?: unknown): Promise<DeniedEvent | undefined> {
    const { authorize } = this.options;
    if (!authorize) return undefined;
    const request = this.#request(caller, access, resourcePolicy);
    const decision = await decide(authorize, request);
    if ('allowed' in decision && decision.allowed) return undefined;
    const message = 'allowed' in decision ? denialMessage(request, decision) : `authorize failed for ${access.action} on ${access.resource}: ${decision.failure}`;
    const event = { kind: 'denied', principal: request.principal, action: request.action, resource: request.resource, message } as const;
    if (!access.conceals) this.#tell(event);
    return event;
  }

  #tell(event: DeniedEvent): void {
    if (this.#denials.push(event) > MAX_DENIALS) this.#denials.shift();
    this.options.onDenied?.(event);
  }

  #request({ principal, policies, context }: Caller, access: Access, resourcePolicy: unknown): AuthorizationRequest {
    const { account, resourcePolicy: policyOf } = this.options;
    const policy = resourcePolicy ?? policyOf?.(access.resource);
    // What AWS itself owns in every account, such as managed connectors, has the account "aws" in its ARN.
    const [, written] = /^arn:[^:]*:[^:]*:[^:]*:([^:]*):/.exec(access.resource) ?? [];
    const owner = written !== undefined && /^\d{12}$/.test(written) ? written : account;
    return {
      principal,
      action: access.action,
      resource: access.resource,
      resourceAccount: owner,
      context: { ...this.#requestContext(), ...ownerContext(access.action, written === 'aws' ? undefined : owner), ...context, ...access.context },
      identityPolicies: policies.identity,
      ...(policies.boundary && { permissionsBoundary: policies.boundary }),
      ...(policy !== undefined && { resourcePolicy: policy }),
    };
  }

  #requestContext(): ContextKeys {
    const now = this.options.clock.now();
    return {
      'aws:CurrentTime': `${new Date(now).toISOString().slice(0, 19)}Z`,
      'aws:EpochTime': String(Math.floor(now / 1000)),
      'aws:RequestedRegion': this.options.region,
      // The loopback stands in for TLS: nobody else hears it.
      'aws:SecureTransport': 'true',
      'aws:SourceIp': '127.0.0.1',
    };
  }
}

/** Of whom the resource is; S3 has a key of its own for the same, too. */
function ownerContext(action: string, owner: string | undefined): ContextKeys {
  if (owner === undefined) return {};
  return { 'aws:ResourceAccount': owner, ...(action.startsWith('s3:') && { 's3:ResourceAccount': owner }) };
}

/** Whoever fails to decide has not allowed it. */
async function decide(
  authorize: Authorize, request: AuthorizationRequest,
): Promise<AuthorizationDecision | { failure: string }> {
  try {
    return await authorize(request);
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
