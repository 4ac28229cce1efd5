import type { CloudEvent } from '../../../local/src/cloud-event';
import { Deployer } from '../../../local/src/deploy/deployer';
import type { StackRecord } from '../../../local/src/deploy/stack-engine';
import { startTestCloud, type TestCloud } from '../test-cloud';
import { until } from './until';

type Resources = Record<string, object>;

/** A function that answers custom resource requests as their properties say, and writes each request down. */
const HANDLER = `
const https = require('node:https');
exports.handler = async (event) => {
  const { RequestType, ResponseURL, PhysicalResourceId, ResourceProperties: p, StackId, RequestId, LogicalResourceId } = event;
  console.log(JSON.stringify({ ...event, ResponseURL: undefined }));
  if (p.Silent === RequestType) return;
  const { [RequestType]: own = {}, All = {} } = JSON.parse(p.Answers ?? '{}');
  const id = p.Id ?? PhysicalResourceId ?? 'thing-' + LogicalResourceId;
  const failure = p.Fail === RequestType ? { Status: 'FAILED', Reason: 'no ' + RequestType + ' today' } : {};
  const answer = { Status: 'SUCCESS', StackId, RequestId, LogicalResourceId, PhysicalResourceId: id, Data: { N: p.N }, ...failure, ...All, ...own };
  const { hostname, pathname, search } = new URL(ResponseURL);
  const put = (body) => new Promise((resolve, reject) => https.request({ hostname, path: pathname + search, method: 'PUT' }, (response) => {
    response.resume();
    response.on('end', () => resolve(response.statusCode));
  }).on('error', reject).end(body));
  console.log('answered ' + await put(RequestType === 'Create' && p.Raw ? p.Raw : JSON.stringify(answer)) + ' ' + (p.Twice ? await put(JSON.stringify(answer)) : ''));
};`;

/** Templates and what becomes of them, through the door that the CloudFormation API uses. */
export class StackCloud {
  /** With the handler, and with a log group that a stack cannot create once more. */
  static async withHandler(): Promise<StackCloud> {
    const cloud = await startTestCloud();
    const stacks = new StackCloud(cloud);
    cloud.services.logs.createGroup(TAKEN);
    await stacks.deployHandler();
    return stacks;
  }

  #seen = 0;

  constructor(readonly cloud: TestCloud) {}

  get engine() {
    return this.cloud.deployer.engine;
  }

  /** Deletes all stacks but the handler's. */
  async deleteAll(): Promise<void> {
    for (const { name } of this.engine.existing()) if (name !== 'Handlers') await this.delete(name);
  }

  /** The same services, and a deployer that knows only what this one saved. */
  restarted(): StackCloud {
    const { services, microvms, clock, account, region, events } = this.cloud;
    const saved: unknown = JSON.parse(JSON.stringify(this.cloud.deployer.save()));
    const emit = (event: CloudEvent): void => void events.push(event);
    const deployer = new Deployer({ services, microvms, clock, account, region, emit });
    deployer.restore(saved);
    return new StackCloud(Object.assign(Object.create(this.cloud) as TestCloud, { deployer }));
  }

  /** A stack with the function that custom resources of other stacks are made by. */
  async deployHandler(): Promise<void> {
    await this.create('Handlers', {
      Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } },
      Function: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          FunctionName: 'handler', Runtime: 'nodejs22.x', Handler: 'index.handler', Timeout: 30, Code: { ZipFile: HANDLER }, Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        },
      },
    });
    this.cloud.events.length = 0;
  }

  async create(stackName: string, Resources: Resources, rest: object = {}, options: object = {}): Promise<StackRecord> {
    this.engine.create({ stackName, templateBody: template(Resources, rest), ...options });
    return this.settled(stackName);
  }

  async update(stackName: string, Resources: Resources, rest: object = {}, options: object = {}): Promise<StackRecord> {
    this.engine.update({ stackName, templateBody: template(Resources, rest), ...options });
    return this.settled(stackName);
  }

  async delete(stackName: string, options: { retain?: string[] } = {}): Promise<StackRecord> {
    const { id } = this.stack(stackName);
    this.engine.delete(stackName, options);
    return this.settled(id);
  }

  async settled(nameOrId: string): Promise<StackRecord> {
    await this.engine.settled(nameOrId);
    return this.stack(nameOrId);
  }

  stack(nameOrId: string): StackRecord {
    const stack = this.engine.find(nameOrId);
    if (!stack) throw new Error(`there is no stack ${nameOrId}`);
    return stack;
  }

  /** What the handler was asked, oldest first. */
  requests(): { RequestType: string; PhysicalResourceId?: string; [name: string]: unknown }[] {
    return this.lines().filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  }

  /** Waits until the handler was asked so often and has come to its end. */
  asked(count: number): Promise<void> {
    return this.#handled(`${count} requests`, () => this.requests().length >= count);
  }

  /** Waits for a line of the handler's, and for its end. */
  written(line: RegExp): Promise<void> {
    return this.#handled(`a line like ${line}`, () => this.lines().some((found) => line.test(found)));
  }

  /** The lines that the handler wrote. */
  lines(): string[] {
    return this.cloud.services.logs.messages('/aws/lambda/handler').slice(this.#seen);
  }

  /** A function that still runs when the clock is moved would run into its own timeout. */
  #handled(what: string, holds: () => boolean): Promise<void> {
    const isIdle = () => this.cloud.services.lambda.busy('handler') === 0;
    return until(what, () => holds() && isIdle(), () => this.lines().join('\n'));
  }

  /** From now on only what comes later is seen. */
  forgetRequests(): void {
    this.#seen += this.lines().length;
  }
}

export function template(Resources: Resources, rest: object = {}): string {
  return JSON.stringify({ ...rest, Resources });
}

export function thing(properties: object = {}, rest: object = {}): object {
  return { Type: 'Custom::Thing', Properties: { ServiceToken: 'arn:aws:lambda:us-east-1:000000000000:function:handler', ...properties }, ...rest };
}

export function group(LogGroupName?: unknown, rest: object = {}): object {
  return { Type: 'AWS::Logs::LogGroup', ...(LogGroupName !== undefined && { Properties: { LogGroupName } }), ...rest };
}

/** A log group that cannot be made, as the test has made one of the name. */
export const TAKEN = 'taken';

export function statusesOf({ events }: StackRecord, logicalId?: string): string[] {
  return events.filter((event) => logicalId === undefined || event.logicalId === logicalId).map(({ status }) => status);
}
