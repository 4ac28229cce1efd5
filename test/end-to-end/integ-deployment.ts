import { randomUUID } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import type { GetMicrovmCommandOutput, LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import { GetMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import type { Sandbox, SandboxClient } from 'microvm-sandbox';
import type { DeployedStack, LocalCloud } from 'microvm-sandbox-local';
import { accessTo, clientOf, eventually } from './deployed';

/** A resource as it was deployed: what the template says of it, references as they stand there, and what came of it. */
export interface DeployedResource {
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
  readonly properties: unknown;
}

/** A new sandbox, with what the service knows of the microVM behind it. */
export interface Started extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly microvm: GetMicrovmCommandOutput;
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Properties?: unknown }>>;
}

interface Deployment {
  readonly cloud: LocalCloud;
  /** In the order of their deployment. */
  readonly stacks: readonly DeployedStack[];
  /** The folder of the cloud assembly. */
  readonly assembly: string;
  /** The service's own API, for what only it can tell. */
  readonly microvms: LambdaMicrovmsClient;
}

/** What the assertions of an integration app look at. */
export class IntegDeployment implements AsyncDisposable {
  readonly cloud: LocalCloud;
  readonly stacks: readonly DeployedStack[];
  readonly microvms: LambdaMicrovmsClient;
  readonly #clients = new Map<string, SandboxClient>();

  constructor(private readonly deployment: Deployment) {
    ({ cloud: this.cloud, stacks: this.stacks, microvms: this.microvms } = deployment);
  }

  /** The app's last stack, which has the output `SandboxPool`. */
  get stack(): DeployedStack {
    return this.stacks[this.stacks.length - 1];
  }

  /** A client for its pool. */
  get client(): SandboxClient {
    return this.clientOf('SandboxPool');
  }

  get assembly(): string {
    return this.deployment.assembly;
  }

  /** A client for the pool that an output of the last stack names. */
  clientOf(output: string): SandboxClient {
    const client = this.#clients.get(output) ?? clientOf(this.cloud, this.stack.outputs[output]);
    this.#clients.set(output, client);
    return client;
  }

  /** Ids of the resources of a type, in all stacks. */
  physicalIds(type: string): string[] {
    const resources = this.stacks.flatMap((stack) => stack.resources);
    return resources.filter((resource) => resource.type === type).map(({ physicalId }) => physicalId);
  }

  /** Starts a sandbox. The microVM is found because no other test starts one meanwhile. */
  async start(client = this.client): Promise<Started> {
    const known = () => this.cloud.microvms.list().microvms;
    const before = known().map(({ microvmId }) => microvmId);
    const sandbox = await client.create();
    const started = () => known().find(({ microvmId }) => !before.includes(microvmId));
    // Of an image without the runtime nobody has waited for it.
    await eventually(() => started()?.state !== 'PENDING', 'the microVM is started');
    const microvm = await this.microvms.send(new GetMicrovmCommand({ microvmIdentifier: started()?.microvmId }));
    return { sandbox, microvm, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
  }

  /** The resources of the last stack as CloudFormation has them. */
  async resources(type: string): Promise<DeployedResource[]> {
    const { cloud, stack } = this;
    const cloudFormation = new CloudFormationClient(accessTo(cloud));
    const { TemplateBody = '' } = await cloudFormation.send(new GetTemplateCommand({ StackName: stack.stackName }));
    cloudFormation.destroy();
    const { Resources } = JSON.parse(TemplateBody) as Template;
    return stack.resources.filter((resource) => resource.type === type)
      .map((resource) => ({ ...resource, properties: Resources[resource.logicalId].Properties }));
  }

  /** Deploys one stack once more, with another template. */
  async redeploy(stackName: string, change: (template: string) => string): Promise<void> {
    const { assembly } = this.deployment;
    const changed = join(dirname(assembly), `${basename(assembly)}-${randomUUID()}`);
    await cp(assembly, changed, { recursive: true });
    const file = join(changed, `${stackName}.template.json`);
    const template = await readFile(file, 'utf8');
    if (change(template) === template) throw new Error(`the template of ${stackName} is as it was`);
    await writeFile(file, change(template));
    await this.cloud.deploy(changed, { stacks: [stackName] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client[Symbol.asyncDispose]()));
  }
}
