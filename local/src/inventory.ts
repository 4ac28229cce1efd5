import type { Deployer } from './deploy/deployer';
import type { MicrovmService } from './microvms';
import type { Services } from './services/services';

/** What exists in the local cloud. */
export interface Inventory {
  readonly stacks: readonly string[];
  /** Keys by bucket. */
  readonly buckets: Readonly<Record<string, readonly string[]>>;
  readonly tables: readonly string[];
  readonly functions: readonly string[];
  readonly stateMachines: readonly string[];
  readonly roles: readonly string[];
  readonly managedPolicies: readonly string[];
  readonly logGroups: readonly string[];
  readonly rules: readonly string[];
  /** By name. */
  readonly images: readonly string[];
  /** Ids of the microVMs that are not terminated. */
  readonly microvms: readonly string[];
  /** Processes of functions that live, idle ones too. */
  readonly functionProcesses: number;
}

type MicrovmList = ReturnType<MicrovmService['list']>;

export function takeInventory(services: Services, deployer: Deployer, { images, microvms }: MicrovmList): Inventory {
  const buckets = services.buckets.buckets().filter(({ name }) => !deployer.assetBuckets.has(name));
  return {
    stacks: deployer.stacks(),
    buckets: Object.fromEntries(buckets.map(({ name, objects }) => [name, [...objects.keys()]])),
    tables: services.dynamodb.tables(),
    functions: services.lambda.functions(),
    stateMachines: services.stepFunctions.stateMachines(),
    roles: services.iam.roles(),
    managedPolicies: services.iam.managedPolicies(),
    logGroups: services.logs.declaredGroups(),
    rules: services.schedules.rules(),
    images,
    microvms: microvms.filter(({ state }) => state !== 'TERMINATED').map(({ microvmId }) => microvmId),
    functionProcesses: services.lambda.processes(),
  };
}
