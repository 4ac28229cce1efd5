/** Temporary credentials of a role. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** A service at work under a role that its caller passed to it. */
export interface RoleSession {
  /** Fresh ones whenever the last ones are about to expire. */
  credentials(): SessionCredentials;
  /** Whether the role's policies, and the resource's, allow the call. */
  allows(action: string, resource: string): Promise<boolean>;
}

/** How the MicroVMs service takes on a build or execution role. */
export interface RoleAssumer {
  /** Undefined: there is no such role, or its trust policy does not let the service assume it. */
  assume(roleArn: string): Promise<RoleSession | undefined>;
}
