import { CfnOutput, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { takeInventory } from '../../../local/src/inventory';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';
import { inlineFunction, removeAssemblies, synthesize } from './synthesized';
import { until } from './until';

let cloud: TestCloud;

beforeEach(async () => {
  cloud = await startTestCloud();
});

afterEach(async () => {
  await cloud.stop();
  removeAssemblies();
});

const timeout = Duration.seconds(60);

interface ThingOptions {
  readonly onEvent: string;
  readonly isComplete?: string;
  readonly properties?: Record<string, unknown>;
}

/** A custom resource on CDK's Provider framework. */
const thing = ({ onEvent, isComplete, properties }: ThingOptions) => (scope: Stack) => {
  const onEventHandler = inlineFunction(scope, 'OnEvent', onEvent, { timeout });
  const isCompleteHandler = isComplete ? inlineFunction(scope, 'IsComplete', isComplete, { timeout }) : undefined;
  const provider = new Provider(scope, 'Provider', { onEventHandler, isCompleteHandler, ...(isComplete && { queryInterval: Duration.seconds(5) }) });
  const resource = new CustomResource(scope, 'Thing', { serviceToken: provider.serviceToken, resourceType: 'Custom::Thing', properties });
  new CfnOutput(scope, 'Ref', { value: resource.ref });
  new CfnOutput(scope, 'Value', { value: resource.getAttString('Value') });
  new CfnOutput(scope, 'OnEventName', { value: onEventHandler.functionName });
};

const deploy = async (build: (scope: Stack) => void) => (await cloud.deployer.deploy(synthesize(build)))[0];
const messages = (name: string): { [key: string]: unknown }[] => cloud.services.logs.messages(`/aws/lambda/${name}`)
  .filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));

const ECHO = `exports.handler = async (event) => {
  const { RequestType, PhysicalResourceId, ResourceProperties, OldResourceProperties } = event;
  console.log(JSON.stringify({ RequestType, PhysicalResourceId, New: ResourceProperties, Old: OldResourceProperties }));
  if (ResourceProperties.Fail === RequestType) throw new Error('no ' + RequestType + ' today');
  return { PhysicalResourceId: ResourceProperties.Id ?? PhysicalResourceId ?? 'made', Data: { Value: 'v-' + ResourceProperties.N } };
};`;

test('waits for a resource that is complete at the third poll, and hands out its attributes', async () => {
  const stack = await deploy(thing({
    onEvent: 'exports.handler = async () => ({ PhysicalResourceId: \'thing-1\', Data: { FromEvent: 1 } })',
    isComplete: `let polls = 0; exports.handler = async ({ RequestType }) => {
      if (RequestType === 'Delete') return { IsComplete: true };
      polls += 1;
      return polls < 3 ? { IsComplete: false } : { IsComplete: true, Data: { Value: 'polled ' + polls } };
    }`,
  }));
  expect(stack.outputs).toMatchObject({ Ref: 'thing-1', Value: 'polled 3' });
  await cloud.deployer.destroy('Test');
  expect(takeInventory(cloud.services, cloud.deployer, { images: [], microvms: [] })).toMatchObject({
    stacks: [], functions: [], stateMachines: [], roles: [], functionProcesses: 0,
  });
}, 60_000);

test('hands numbers and booleans over as strings, and the old properties on an update', async () => {
  const stack = await deploy(thing({ onEvent: ECHO, properties: { N: 1, Yes: true, List: [{ Deep: 2 }] } }));
  expect(stack.outputs).toMatchObject({ Ref: 'made', Value: 'v-1' });
  const updated = await deploy(thing({ onEvent: ECHO, properties: { N: 2 } }));
  expect(updated.outputs).toMatchObject({ Ref: 'made', Value: 'v-2' });
  const [create, update] = messages(stack.outputs.OnEventName);
  expect(create).toMatchObject({ RequestType: 'Create', New: { N: '1', Yes: 'true', List: [{ Deep: '2' }], ServiceToken: expect.stringContaining(':function:') } });
  expect(create).not.toHaveProperty('PhysicalResourceId');
  expect(update).toMatchObject({ RequestType: 'Update', PhysicalResourceId: 'made', New: { N: '2' }, Old: { N: '1', Yes: 'true' } });
}, 60_000);

test('deletes the old resource after an update that answered another physical id', async () => {
  const { outputs } = await deploy(thing({ onEvent: ECHO, properties: { Id: 'one' } }));
  await deploy(thing({ onEvent: ECHO, properties: { Id: 'two' } }));
  const requests = messages(outputs.OnEventName);
  expect(requests.map(({ RequestType, PhysicalResourceId }) => [RequestType, PhysicalResourceId])).toEqual([
    ['Create', undefined], ['Update', 'one'], ['Delete', 'one'],
  ]);
}, 60_000);

test('fails a deployment with the reason that the resource gave, and deletes what was made', async () => {
  const failing = thing({
    onEvent: ECHO,
    isComplete: `exports.handler = async ({ RequestType }) => {
      if (RequestType === 'Create') throw new Error('build 7 failed: no space');
      return { IsComplete: true };
    }`,
  });
  await expect(deploy(failing)).rejects.toMatchObject({
    resourceType: 'Custom::Thing',
    reason: expect.stringContaining('build 7 failed: no space'),
  });
  const left = takeInventory(cloud.services, cloud.deployer, { images: [], microvms: [] });
  expect(left).toMatchObject({ stacks: [], functions: [], stateMachines: [], roles: [] });
}, 60_000);

test('fails an update of one resource, and sends it an update back to the old properties', async () => {
  const { outputs } = await deploy(thing({ onEvent: ECHO, properties: { N: 1 } }));
  await expect(deploy(thing({ onEvent: ECHO, properties: { N: 2, Fail: 'Update' } }))).rejects.toMatchObject({ reason: expect.stringContaining('no Update today') });
  expect(messages(outputs.OnEventName).map(({ RequestType, New }) => [RequestType, (New as { N: string }).N])).toEqual([
    ['Create', '1'], ['Update', '2'], ['Update', '1'],
  ]);
}, 60_000);

test('fails at once when the function itself dies without an answer', async () => {
  const dying = (scope: Stack) => {
    const handler = inlineFunction(scope, 'Handler', 'exports.handler = async () => process.exit(1)');
    new CustomResource(scope, 'Thing', { serviceToken: handler.functionArn });
  };
  // Deleting it fails in the same way: the rollback says so, and the stack stays for another try, which deletes it first.
  await expect(deploy(dying)).rejects.toMatchObject({
    reason: expect.stringMatching(/failed without an answer: Runtime.ExitError[^]*The rollback failed, too: The following resource\(s\) failed to delete: \[Thing\]/),
  });
  expect(cloud.deployer.stacks()).toEqual(['Test']);
  await expect(deploy(dying)).rejects.toMatchObject({ logicalId: 'Thing' });
  expect(cloud.deployer.engine.find('Test')?.status).toBe('DELETE_FAILED');
});

test('fails after an hour of the cloud\'s clock without an answer', async () => {
  const deployment = deploy((scope) => {
    const handler = inlineFunction(scope, 'Handler', `exports.handler = async ({ RequestType, ResponseURL, ...event }) => {
      if (RequestType === 'Create') return console.log('silent');
      const { hostname, pathname, search } = new URL(ResponseURL);
      const { StackId, RequestId, LogicalResourceId, PhysicalResourceId } = event;
      const body = JSON.stringify({ Status: 'SUCCESS', StackId, RequestId, LogicalResourceId, PhysicalResourceId });
      await new Promise((resolve, reject) => require('node:https')
        .request({ hostname, path: pathname + search, method: 'PUT' }, (answer) => { answer.resume(); answer.on('end', resolve); }).on('error', reject).end(body));
    }`, { functionName: 'silent' });
    new CustomResource(scope, 'Thing', { serviceToken: handler.functionArn });
  });
  const failure = expect(deployment).rejects.toMatchObject({ reason: expect.stringContaining('did not receive a response') });
  const lines = () => cloud.services.logs.messages('/aws/lambda/silent');
  await until('the function was asked', () => lines().includes('silent') && cloud.services.lambda.busy('silent') === 0, () => lines().join('\n'));
  await cloud.clock.advance({ minutes: 59 });
  expect(cloud.deployer.engine.find('Test')?.status).toBe('CREATE_IN_PROGRESS');
  await cloud.clock.advance({ minutes: 2 });
  await failure;
  expect(cloud.deployer.stacks()).toEqual([]);
});

test('keeps response URLs out of logs and events', async () => {
  await deploy(thing({ onEvent: ECHO, isComplete: 'exports.handler = async () => ({ IsComplete: true, Data: { Value: \'x\' } })' }));
  const everything = JSON.stringify([cloud.events, cloud.services.lambda.functions().map((name) => cloud.services.logs.messages(`/aws/lambda/${name}`))]);
  expect(everything).toContain('Custom::Thing');
  expect(everything).not.toContain('X-Amz-Signature');
}, 60_000);

test('fails without the response URL in the reason, also where the function puts it there', async () => {
  const deployment = deploy((scope) => {
    const handler = inlineFunction(scope, 'Handler', 'exports.handler = async (event) => { throw new Error(JSON.stringify(event)); }');
    new CustomResource(scope, 'Thing', { serviceToken: handler.functionArn });
  });
  const { message } = await deployment.catch((error: Error) => error) as Error;
  expect(message).toContain('<response URL>');
  expect(message).not.toContain('X-Amz-Signature');
});
