import {
  CloudFormationClient, CreateStackCommand, type CreateStackCommandInput, DescribeStacksCommand, type Stack,
  UpdateStackCommand, type UpdateStackCommandInput,
} from '@aws-sdk/client-cloudformation';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

/** CloudFormation's API of a local cloud, in which a parameter named `taken` exists. */
export class CloudFormationFixture {
  #started?: { readonly cloud: TestCloud; readonly client: CloudFormationClient };

  async start(): Promise<void> {
    const cloud = await startTestCloud();
    this.#started = { cloud, client: new CloudFormationClient(cloud.clientConfiguration) };
    cloud.services.parameters.set('taken', 'by somebody');
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.cloud.stop();
  }

  get cloud(): TestCloud {
    return this.#get().cloud;
  }

  get client(): CloudFormationClient {
    return this.#get().client;
  }

  readonly send: CloudFormationClient['send'] = (...input: unknown[]) => {
    return (this.client.send as (...any: unknown[]) => never)(...input);
  };

  readonly create = (StackName: string, template: object | string, more: Partial<CreateStackCommandInput> = {}) => {
    return this.client.send(new CreateStackCommand({ StackName, TemplateBody: bodyOf(template), ...more }));
  };

  readonly update = (StackName: string, template: object | string, more: Partial<UpdateStackCommandInput> = {}) => {
    return this.client.send(new UpdateStackCommand({ StackName, TemplateBody: bodyOf(template), ...more }));
  };

  readonly describe = async (StackName: string): Promise<Stack | undefined> => {
    return (await this.client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
  };

  /** Resolves once nothing is under way on the stack. */
  readonly settled = (nameOrId: string): Promise<void> => this.cloud.deployer.engine.settled(nameOrId);

  /** Values of the parameters that stacks made. */
  parameterValues(): string[] {
    return [...this.cloud.services.parameters].filter(([name]) => name !== 'taken').map(([, value]) => value);
  }

  /** Deletes every stack, importers first. */
  async deleteStacks(): Promise<void> {
    const { engine } = this.cloud.deployer;
    for (const { id, status } of engine.list().reverse()) {
      if (status === 'DELETE_COMPLETE') continue;
      await engine.settled(id);
      engine.delete(id);
      await engine.settled(id);
    }
  }

  #get() {
    if (!this.#started) throw new Error('start the fixture first');
    return this.#started;
  }
}

export function bodyOf(template: object | string): string {
  return typeof template === 'string' ? template : JSON.stringify(template);
}

/** A template with these parameters of Systems Manager, all with the value of its parameter `Value`. */
export function parameters(logicalIds: readonly string[], names: Readonly<Record<string, string>> = {}): object {
  const resources = logicalIds.map((logicalId) => {
    return [logicalId, { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: { Ref: 'Value' }, Name: names[logicalId] } }];
  });
  return { Parameters: { Value: { Type: 'String', Default: 'default' } }, Resources: Object.fromEntries(resources) };
}

/** A template that exports what it is given; undefined: its parameter has no default. */
export function exporting(value: string | undefined): object {
  return {
    Description: 'exports a value',
    Parameters: { Given: { Type: 'String', Default: value } },
    Resources: { Kept: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: { Ref: 'Given' } } } },
    Outputs: { Out: { Value: { Ref: 'Given' }, Description: 'what was given', Export: { Name: 'shared-value' } } },
  };
}

export function importing(): object {
  const Value = { 'Fn::Sub': ['imported ${It}', { It: { 'Fn::ImportValue': 'shared-value' } }] };
  return { Resources: { Imported: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value } } } };
}

export function namedRole(properties: object): object {
  const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }] };
  return { Resources: { Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: trust, ...properties } } } };
}
