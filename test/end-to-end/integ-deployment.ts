import type { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import type { SandboxClient } from 'microvm-sandbox';
import type { DeployedStack, LocalCloud } from 'microvm-sandbox-local';

/** What the assertions of an integration app look at. */
export interface IntegDeployment {
  readonly cloud: LocalCloud;
  /** The app's last stack, which has the output `SandboxPool`. */
  readonly stack: DeployedStack;
  /** A client for its pool. */
  readonly client: SandboxClient;
  /** The service's own API, for what only it can tell. */
  readonly microvms: LambdaMicrovmsClient;
}
