import { existsSync } from 'node:fs';
import {
  AddPermissionCommand, GetAliasCommand, GetFunctionCommand, GetPolicyCommand, InvokeCommand, LambdaClient,
  ListAliasesCommand, ListFunctionsCommand, ListVersionsByFunctionCommand, PublishVersionCommand,
  RemovePermissionCommand,
} from '@aws-sdk/client-lambda';
import type { Stack } from 'aws-cdk-lib';
import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, CfnLayerVersion, Code, Function as LambdaFunction, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LambdaService } from '../../../local/src/services/lambda/lambda-service';
import { FileDisposal } from '../../../local/src/state/file-disposal';
import { removeAssemblies, synthesize } from '../deploy/synthesized';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

let cloud: TestCloud;
let lambda: LambdaClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  lambda = new LambdaClient(cloud.clientConfiguration);
});

afterAll(async () => {
  lambda.destroy();
  await cloud.stop();
  removeAssemblies();
});

const answering = (word: string) => `exports.handler = async (event, { functionVersion, invokedFunctionArn }) => {
  return { word: '${word}', functionVersion, qualifier: invokedFunctionArn.split(':')[7], variable: process.env.AWS_LAMBDA_FUNCTION_VERSION };
};`;

/** A function with its current version behind an alias. */
const app = (word: string) => (stack: Stack) => {
  const handler = new LambdaFunction(stack, 'Function', {
    functionName: 'versioned',
    code: Code.fromInline(answering(word)),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_22_X,
    currentVersionOptions: { description: word, removalPolicy: RemovalPolicy.RETAIN },
  });
  const alias = new Alias(stack, 'Alias', { aliasName: 'live', version: handler.currentVersion });
  alias.grantInvoke(new ServicePrincipal('events.amazonaws.com'));
  new CfnOutput(stack, 'AliasArn', { value: alias.functionArn });
  new CfnOutput(stack, 'Version', { value: handler.currentVersion.version });
};

const deploy = async (build: (stack: Stack) => void) => (await cloud.deployer.deploy(synthesize(build)))[0];

const invoke = async (FunctionName: string, Qualifier?: string) => {
  const { Payload, ExecutedVersion } = await lambda.send(new InvokeCommand({ FunctionName, Qualifier }));
  return { ...JSON.parse(Buffer.from(Payload ?? []).toString()), ExecutedVersion };
};

test('publishes a version for each change, moves the alias, and answers by version, alias and name', async () => {
  const first = await deploy(app('one'));
  expect(first.outputs).toEqual({ AliasArn: 'arn:aws:lambda:us-east-1:000000000000:function:versioned:live', Version: '1' });
  const one = { word: 'one', functionVersion: '1', variable: '1', ExecutedVersion: '1' };
  expect(await invoke(first.outputs.AliasArn)).toEqual({ ...one, qualifier: 'live' });
  expect(await invoke('versioned:1')).toEqual({ ...one, qualifier: '1' });
  expect(await invoke('versioned', 'live')).toEqual({ ...one, qualifier: 'live' });
  expect(await invoke('versioned')).toMatchObject({ word: 'one', functionVersion: '$LATEST', ExecutedVersion: '$LATEST' });

  const second = await deploy(app('two'));
  expect(second.outputs.Version).toBe('2');
  expect(await invoke('versioned', 'live')).toMatchObject({ word: 'two', ExecutedVersion: '2' });
  // The template retains versions that it does not name any more.
  expect(await invoke('versioned', '1')).toMatchObject({ word: 'one', ExecutedVersion: '1' });
});

test('lists functions, versions and aliases', async () => {
  const { Functions } = await lambda.send(new ListFunctionsCommand({}));
  expect(Functions?.map(({ FunctionName }) => FunctionName)).toEqual(['versioned']);
  const first = await lambda.send(new ListVersionsByFunctionCommand({ FunctionName: 'versioned', MaxItems: 1 }));
  const second = await lambda.send(new ListVersionsByFunctionCommand({ FunctionName: 'versioned', Marker: first.NextMarker }));
  expect([first, second].map(({ Versions }) => Versions?.map(({ Version }) => Version))).toEqual([['$LATEST'], ['1', '2']]);
  expect(second.Versions?.[1]).toMatchObject({ Description: 'two', FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:versioned:2' });
  expect(second.NextMarker).toBeUndefined();
  const alias = { Name: 'live', FunctionVersion: '2', AliasArn: 'arn:aws:lambda:us-east-1:000000000000:function:versioned:live' };
  expect((await lambda.send(new ListAliasesCommand({ FunctionName: 'versioned' }))).Aliases).toMatchObject([alias]);
  expect(await lambda.send(new GetAliasCommand({ FunctionName: 'versioned', Name: 'live' }))).toMatchObject(alias);
  const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName: 'versioned', Qualifier: 'live' }));
  expect(Configuration).toMatchObject({ Version: '2', FunctionArn: alias.AliasArn });
});

test('fails for a qualifier that is not there, two that differ, and an alias that is not there', async () => {
  await expect(invoke('versioned', 'none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(invoke('versioned:live', '2')).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
  await expect(lambda.send(new GetAliasCommand({ FunctionName: 'versioned', Name: 'none' }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('fails to publish through the API, as what a stack owns changes by its deployment only', async () => {
  await expect(lambda.send(new PublishVersionCommand({ FunctionName: 'versioned' })))
    .rejects.toMatchObject({ message: expect.stringContaining('only a deployment') });
});

test('fails to publish what has not changed, and to take a version from its alias', async () => {
  expect(() => cloud.services.lambda.publish('versioned')).toThrow('A version for this Lambda function exists ( 2 )');
  expect(() => cloud.services.lambda.publish('versioned', { codeSha256: 'other' })).toThrow('is different from current CodeSHA256');
  await expect(cloud.services.lambda.deleteVersion('versioned', '2')).rejects.toThrow('Version 2 is referenced by the alias live');
});

test('adds, shows and removes permissions of the function and of its alias', async () => {
  const policy = async (Qualifier?: string) => JSON.parse((await lambda.send(new GetPolicyCommand({ FunctionName: 'versioned', Qualifier }))).Policy ?? '{}').Statement;
  await expect(policy()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  expect(await policy('live')).toMatchObject([{ Principal: { Service: 'events.amazonaws.com' }, Resource: expect.stringMatching(/versioned:live$/) }]);
  const permission = {
    FunctionName: 'versioned', StatementId: 'mine', Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com', SourceAccount: '1',
  };
  await lambda.send(new AddPermissionCommand(permission));
  expect(await policy()).toMatchObject([{ Sid: 'mine', Effect: 'Allow', Condition: { StringEquals: { 'aws:SourceAccount': '1' } } }]);
  await expect(lambda.send(new AddPermissionCommand(permission))).rejects.toMatchObject({ name: 'ResourceConflictException' });
  const remove = new RemovePermissionCommand({ FunctionName: 'versioned', StatementId: 'mine' });
  await lambda.send(remove);
  await expect(lambda.send(remove)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('keeps versions and aliases over a restart, with the code of a version that is not the latest', async () => {
  const saved = JSON.parse(JSON.stringify(cloud.services.lambda.save()));
  const { iam, logs } = cloud.services;
  const restarted = new LambdaService({
    ...cloud,
    iam,
    logs,
    folder: `${cloud.folder}/lambda`,
    disposal: new FileDisposal(false),
    responseHost: 'responses',
    gatewayPort: () => cloud.port,
    cloudEnvironment: () => ({}),
  });
  await restarted.restore(saved);
  expect(restarted.save()).toEqual(saved);
  for (const [qualifier, word, functionVersion] of [['live', 'two', '2'], ['1', 'one', '1']]) {
    const { payload } = await restarted.invoke(`versioned:${qualifier}`, '{}');
    expect(JSON.parse(payload)).toMatchObject({ word, functionVersion });
  }
  await restarted.stop();
});

test('removes a version with its code, and leaves the others alone', async () => {
  const { codeFolder } = cloud.services.lambda.definition('versioned:1');
  await cloud.services.lambda.deleteVersion('versioned', '1');
  expect(existsSync(codeFolder)).toBe(false);
  await expect(invoke('versioned', '1')).rejects.toMatchObject({ name: 'ResourceNotFoundException', message: expect.stringContaining('function:versioned:1') });
  expect(await invoke('versioned', 'live')).toMatchObject({ word: 'two' });
});

test('leaves nothing of a function that is deleted with its versions', async () => {
  await cloud.deployer.destroy('Test');
  expect(cloud.services.lambda.functions()).toEqual([]);
  expect(cloud.services.lambda.processes()).toBe(0);
});

test('fails for layers, and says what to do', async () => {
  const layered = (stack: Stack) => {
    new LambdaFunction(stack, 'Function', {
      code: Code.fromInline(answering('x')),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_22_X,
      layers: [LayerVersion.fromLayerVersionArn(stack, 'Layer', 'arn:aws:lambda:us-east-1:1:layer:given:1')],
    });
  };
  await expect(deploy(layered)).rejects.toThrow('the local cloud has no layers; bundle what the function needs with its code; got arn:aws:lambda:us-east-1:1:layer:given:1');
  await expect(deploy((stack) => void new CfnLayerVersion(stack, 'Layer', { layerName: 'own', content: { s3Bucket: 'b', s3Key: 'k' } })))
    .rejects.toThrow('LayerName "own": the local cloud has no layers');
});
