import type { CloudEvent } from './cloud-event';
import type { Authorize } from './iam/authorization';
import type { Isolation, ServiceBehaviour } from './microvms';
import type { EngineChoice } from './microvms/container/container-engine';

export interface LocalCloudOptions extends ServiceBehaviour {
  /** Default: a free one; with `state` the one that it had before, if that is free. */
  readonly port?: number;
  /** Default: `us-east-1`, or that of the state. */
  readonly region?: string;
  /** Twelve digits. Default: `000000000000`, or that of the state. */
  readonly account?: string;
  /**
   * A folder in which everything but running microVMs is kept over a restart. It is made if it is not there; one local cloud at a time
   * can have it. It holds keys and the environments of functions: only its owner can read it. Default: nothing is kept.
   */
  readonly state?: string;
  /**
   * How microVMs are kept apart from each other and from this machine. Default: `auto`, namespaces where the machine has them, or what
   * the environment variable MICROVM_LOCAL_ISOLATION says.
   */
  readonly isolation?: 'auto' | Isolation;
  /**
   * Whether the RUN steps of Dockerfiles are executed: in namespaces, on this machine's own root under the image's files, without a
   * network. Default: they are left out, and each is named in a warning.
   */
  readonly runSteps?: boolean;
  /**
   * The container engine of this machine that builds Dockerfiles and runs microVMs; `auto` takes the first of docker, podman, finch and
   * nerdctl that works, or none. Fails if the one named does not work. On Linux only. Default: `none`, images are put together without one.
   */
  readonly engine?: EngineChoice;
  /**
   * Decides what IAM would decide about each call of a role, each call of a service to a function, and each role that is assumed; the
   * account's user is not asked about. A denial is answered as AWS does and is in `denials`. Default: every authenticated caller may do
   * everything.
   */
  readonly authorize?: Authorize;
  /**
   * Endpoints of microVMs carry as many bytes and connections as each microVM's size has on AWS; what is too much waits. Default: false, as
   * many as this machine carries.
   */
  readonly bandwidth?: boolean;
  /** MicroVMs that are started ahead and wait, frozen, to be run: one per image version, the latest used. 0: none. Default: 4. */
  readonly spares?: number;
  /** Told what happens, as it happens. */
  readonly onEvent?: (event: CloudEvent) => void;
}
