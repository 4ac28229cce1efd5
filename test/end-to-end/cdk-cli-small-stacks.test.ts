import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { CdkCli } from './cdk-cli';
import { smallAssembly, type TestTemplate } from './cdk-cli-assembly';
import type { ProgramResult } from './run-program';

const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' }] };
const role = { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: trust } };

const parameter = (Name: string, Value = 'value'): TestTemplate => ({ Resources: { Parameter: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Name, Value } } } });

const machine = (state: string): TestTemplate => ({
  Resources: {
    Role: role,
    Machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] }, DefinitionString: JSON.stringify({ StartAt: state, States: { [state]: { Type: 'Succeed' } } }),
      },
    },
  },
});

let cloud: LocalCloud;
let cli: CdkCli;

const assemblyOf = (folder: string, stackName: string, template: TestTemplate, properties?: object) => {
  return smallAssembly(join(cli.home, folder), { [stackName]: { template, properties } });
};
const deploy = (assembly: string, ...args: string[]): Promise<ProgramResult> => cli.on(assembly, 'deploy', '--require-approval', 'never', ...args);

/** A deployment whose parameter is taken, and the next one, whose is not. */
async function failAndRetry(): Promise<[ProgramResult, ProgramResult]> {
  const client = new SSMClient(clientConfiguration());
  await client.send(new PutParameterCommand({ Name: 'taken', Value: 'by somebody', Type: 'String' }));
  client.destroy();
  const failed = await deploy(await assemblyOf('failing', 'Small', parameter('taken')));
  return [failed, await deploy(await assemblyOf('working', 'Small', parameter('free')), '--method=direct')];
}

async function assumeMissingRole(): Promise<ProgramResult> {
  return deploy(await assemblyOf('roles', 'Roles', parameter('of-roles'), {
    assumeRoleArn: 'arn:${AWS::Partition}:iam::000000000000:role/cdk-hnb659fds-deploy-role-000000000000-us-east-1',
    requiresBootstrapStackVersion: 6,
    bootstrapStackVersionSsmParameter: '/cdk-bootstrap/hnb659fds/version',
  }));
}

async function hotswap(): Promise<ProgramResult> {
  const client = new CloudFormationClient(clientConfiguration());
  await client.send(new CreateStackCommand({ StackName: 'Machine', TemplateBody: JSON.stringify(machine('Before')), Capabilities: ['CAPABILITY_IAM'] }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 10, minDelay: 0.1, maxDelay: 0.1 }, { StackName: 'Machine' });
  client.destroy();
  return deploy(await assemblyOf('after', 'Machine', machine('After')), '--hotswap');
}

const severalLeft = (): string[] => cloud.inventory().stacks.filter((name) => ['Producer', 'Consumer'].includes(name));

/** Two stacks, the one importing from the other, deployed and destroyed by one command each. */
async function several(): Promise<[ProgramResult, string[], ProgramResult]> {
  const producer = { ...parameter('of-producer'), Outputs: { Out: { Value: { Ref: 'Parameter' }, Export: { Name: 'handed' } } } };
  const consumer = { Resources: { Parameter: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: { 'Fn::ImportValue': 'handed' } } } } };
  const assembly = await smallAssembly(join(cli.home, 'several'), {
    Consumer: { template: consumer, dependencies: ['Producer'] }, Producer: { template: producer },
  });
  const deployed = await deploy(assembly, '--all');
  return [deployed, severalLeft(), await cli.on(assembly, 'destroy', '--all', '--force')];
}

async function list(): Promise<ProgramResult> {
  return cli.on(await assemblyOf('listed', 'Listed', parameter('listed')), 'list');
}

function clientConfiguration() {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = cloud.environment;
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  return { endpoint: cloud.endpoint, region: AWS_REGION, credentials };
}

let results: [
  Awaited<ReturnType<typeof failAndRetry>>, ProgramResult, ProgramResult, ProgramResult,
  Awaited<ReturnType<typeof several>>,
];

// The CLI waits seconds between two looks at a stack, so they all go at once.
beforeAll(async () => {
  cloud = await startLocalCloud({ isolation: 'processes' });
  cli = await CdkCli.start(cloud.environment);
  results = await Promise.all([failAndRetry(), assumeMissingRole(), hotswap(), list(), several()]);
}, 120_000);

afterAll(async () => {
  await cli?.stop();
  await cloud?.stop();
});

test('a deployment that fails says why, is rolled back, and the next one works', () => {
  const [[failed, retried]] = results;
  expect(failed.output).toMatch(/CREATE_FAILED +\| AWS::SSM::Parameter +\| Parameter taken already exists/);
  expect(failed.output).toContain('ROLLBACK_COMPLETE');
  expect(failed.exitCode).toBe(1);
  expect(retried).toMatchObject({ exitCode: 0, output: expect.stringContaining('✅  Small') });
});

test('without a bootstrap the roles cannot be assumed, which the CLI says, and goes on', () => {
  const [, { exitCode, output }] = results;
  expect(output).toContain('could not be used to assume');
  expect(output).toContain('✅  Roles');
  expect(exitCode).toBe(0);
});

test('fails on --hotswap, and says what to do', () => {
  const [,, { exitCode, output }] = results;
  expect(output).toContain('deploy without --hotswap');
  expect(exitCode).toBe(1);
});

test('cdk list names the stacks', () => {
  expect(results[3]).toEqual({ exitCode: 0, output: 'Listed\n' });
});

test('several stacks are deployed in the order of what they need, and destroyed the other way round', () => {
  const [deployed, stacks, destroyed] = results[4];
  expect(deployed.output).toMatch(/✅ {2}Producer[^]*✅ {2}Consumer/);
  expect(stacks.sort()).toEqual(['Consumer', 'Producer']);
  expect(destroyed.output).toMatch(/Consumer: destroyed[^]*Producer: destroyed/);
  expect([deployed.exitCode, destroyed.exitCode]).toEqual([0, 0]);
  expect(severalLeft()).toEqual([]);
});

test('none of this asked anything of the world outside', () => {
  expect(cli.outside).toEqual([]);
});
