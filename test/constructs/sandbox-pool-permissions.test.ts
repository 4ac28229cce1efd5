import type { Stack } from 'aws-cdk-lib';
import { App } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { SandboxPoolProps } from 'cdk-microvm-sandbox';
import { ImageSource, SandboxExecutionRole, SandboxImage, SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { LAMBDA_ARN, MANAGED_CONNECTOR, newStack, readable, resourcesOf, statementsOf } from './synthesized';

const source = ImageSource.directory(DOCKERFILE_DIRECTORY);
const IMAGE = 'arn:<Image.ImageArn>';
const ANY_MICROVM = `${LAMBDA_ARN}:microvm:*`;
const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const POOL_ROLES = ['PoolAllocatorRole', 'PoolKeeperRole'];

const lambdaPrincipal = () => new iam.ServicePrincipal('lambda.amazonaws.com');

function poolWith(props: SandboxPoolProps = {}, stack = newStack()) {
  const pool = new SandboxPool(stack, 'Pool', { image: new SandboxImage(stack, 'Image', { source }), ...props });
  return { stack, pool };
}

function everything() {
  const stack = newStack();
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 1 });
  const executionRole = new iam.Role(stack, 'ExecutionRole', { assumedBy: lambdaPrincipal() });
  return poolWith({ executionRole, network: SandboxNetwork.vpc({ vpc }), shellAccess: true }, stack);
}

const operators = (stack: Stack) => new iam.Role(stack, 'Operators', { assumedBy: new iam.AccountRootPrincipal() });

const start = [
  { Action: ['lambda:RunMicrovm'], Resource: [IMAGE] },
  {
    Action: ['lambda:PassNetworkConnector'],
    Resource: [`${MANAGED_CONNECTOR}:HTTP_INGRESS`, `${MANAGED_CONNECTOR}:SHELL_INGRESS`, 'arn:<SandboxNetworkPoolConnector.Arn>'],
  },
  { Action: ['iam:PassRole'], Resource: ['arn:<ExecutionRole.Arn>'] },
];

test('the allocator may start, use and end microVMs of its image, look up its version, and keep the list', () => {
  expect(statementsOf(everything().stack, 'PoolAllocatorRole')).toEqual([
    { Action: LOGS, Resource: ['arn:<PoolAllocatorLogs.Arn>'] },
    {
      Action: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
      Resource: ['arn:<PoolTable.Arn>'],
    },
    ...start,
    {
      Action: ['lambda:GetMicrovm', 'lambda:SuspendMicrovm', 'lambda:ResumeMicrovm', 'lambda:TerminateMicrovm'],
      Resource: [IMAGE, ANY_MICROVM],
    },
    { Action: ['lambda:CreateMicrovmAuthToken', 'lambda:GetMicrovmImage'], Resource: [IMAGE] },
  ]);
});

test('the keeper may repeat a launch and end microVMs, but makes no tokens', () => {
  expect(statementsOf(everything().stack, 'PoolKeeperRole')).toEqual([
    { Action: LOGS, Resource: ['arn:<PoolKeeperLogs.Arn>'] },
    { Action: ['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'], Resource: ['arn:<PoolTable.Arn>'] },
    ...start,
    { Action: ['lambda:GetMicrovm', 'lambda:TerminateMicrovm'], Resource: [IMAGE, ANY_MICROVM] },
  ]);
});

test('the function that CloudFormation calls may call the keeper, and write its log', () => {
  expect(statementsOf(everything().stack, 'PoolProviderRole')).toEqual([
    { Action: LOGS, Resource: ['arn:<PoolKeeperLogs.Arn>'] },
    { Action: ['lambda:InvokeFunction'], Resource: ['arn:<PoolKeeper.Arn>', 'arn:<PoolKeeper.Arn>:*'] },
    { Action: ['lambda:GetFunction'], Resource: ['arn:<PoolKeeper.Arn>'] },
  ]);
});

test('without an execution role nobody may pass one', () => {
  const { stack } = poolWith();
  for (const role of POOL_ROLES) {
    expect(statementsOf(stack, role).flatMap(({ Action }) => Action)).not.toContain('iam:PassRole');
  }
});

test('pass-role grants carry no condition on the service, which would deny the call', () => {
  const { stack } = everything();
  const passing = POOL_ROLES.flatMap((role) => statementsOf(stack, role)).filter(({ Action }) => Action.includes('iam:PassRole'));
  expect(passing).toHaveLength(2);
  expect(passing.every(({ Condition }) => Condition === undefined)).toBe(true);
});

describe('operators', () => {
  const operate = [
    { Action: ['dynamodb:GetItem', 'dynamodb:Query'], Resource: ['arn:<PoolTable.Arn>'] },
    {
      Action: ['lambda:GetMicrovm', 'lambda:SuspendMicrovm', 'lambda:ResumeMicrovm', 'lambda:TerminateMicrovm'],
      Resource: [IMAGE, ANY_MICROVM],
    },
    // Knows no resource.
    { Action: ['lambda:ListMicrovms'], Resource: ['*'] },
    { Action: ['lambda:InvokeFunction'], Resource: ['arn:<PoolAllocator.Arn>'] },
  ];
  const readLogs = (...Resource: string[]) => ({ Action: ['logs:DescribeLogStreams', 'logs:FilterLogEvents', 'logs:GetLogEvents'], Resource });

  test('may look at and act on all of a pool, and open no shell', () => {
    const { stack, pool } = poolWith();
    const grant = pool.grantManage(operators(stack));
    expect(grant.success).toBe(true);
    expect(statementsOf(stack, 'Operators')).toEqual([...operate, readLogs('arn:<PoolAllocatorLogs.Arn>', 'arn:<PoolKeeperLogs.Arn>')]);
  });

  test('may open shells where the pool has them, and read the output of sandboxes where there is one', () => {
    const { stack, pool } = everything();
    pool.grantManage(operators(stack));
    expect(statementsOf(stack, 'Operators')).toEqual([
      ...operate,
      readLogs('arn:<PoolAllocatorLogs.Arn>', 'arn:<PoolKeeperLogs.Arn>', 'arn:<PoolSandboxLogs.Arn>'),
      { Action: ['lambda:CreateMicrovmShellAuthToken'], Resource: [IMAGE] },
    ]);
  });

  test('may decrypt the table, through DynamoDB', () => {
    const stack = newStack();
    const { pool } = poolWith({ encryptionKey: new kms.Key(stack, 'Key') }, stack);
    pool.grantManage(operators(stack));
    expect(statementsOf(stack, 'Operators').at(-1)).toEqual({
      Action: ['kms:Decrypt', 'kms:DescribeKey'],
      Resource: ['arn:<Key.Arn>'],
      Condition: { StringEquals: { 'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com' } },
    });
  });
});

describe('a key of the user', () => {
  const KEY_USE = {
    Action: [
      'kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext',
      'kms:ReEncryptFrom', 'kms:ReEncryptTo',
    ],
    Resource: ['arn:<Key.Arn>'],
    Condition: { StringEquals: { 'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com' } },
  };

  function encrypted() {
    const stack = newStack();
    const image = SandboxImage.fromSandboxImageAttributes(stack, 'Image', { imageArn: `${LAMBDA_ARN}:microvm-image:theirs` });
    const executionRole = new iam.Role(stack, 'ExecutionRole', { assumedBy: lambdaPrincipal() });
    new SandboxPool(stack, 'Pool', { image, executionRole, encryptionKey: new kms.Key(stack, 'Key') });
    return stack;
  }

  test('encrypts the table, every log group, and the environment of every function', () => {
    const stack = encrypted();
    const [{ Properties: table }] = resourcesOf(stack, 'AWS::DynamoDB::Table');
    expect(readable(table.SSESpecification)).toEqual({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: 'arn:<Key.Arn>' });
    const groups = resourcesOf(stack, 'AWS::Logs::LogGroup').map(({ Properties }) => readable(Properties.KmsKeyId));
    expect(groups).toEqual(['arn:<Key.Arn>', 'arn:<Key.Arn>', 'arn:<Key.Arn>']);
    const functions = resourcesOf(stack, 'AWS::Lambda::Function').map(({ Properties }) => readable(Properties.KmsKeyArn));
    expect(functions).toEqual(['arn:<Key.Arn>', 'arn:<Key.Arn>', 'arn:<Key.Arn>']);
  });

  test('is used by allocator and keeper through DynamoDB only', () => {
    const stack = encrypted();
    for (const role of POOL_ROLES) expect(statementsOf(stack, role).filter(({ Action }) => /^kms:/.test(Action[0]))).toEqual([KEY_USE]);
  });

  test('lets CloudWatch Logs in by its policy', () => {
    const [{ Properties }] = resourcesOf(encrypted(), 'AWS::KMS::Key');
    const { Statement } = readable(Properties.KeyPolicy) as { Statement: unknown[] };
    expect(Statement).toContainEqual(expect.objectContaining({
      Principal: { Service: 'logs.us-east-1.amazonaws.com' },
    }));
  });

  test('encrypts the image that the pool makes by itself, too', () => {
    const stack = newStack();
    new SandboxPool(stack, 'Pool', { encryptionKey: new kms.Key(stack, 'Key') });
    const keys = resourcesOf(stack, 'AWS::Logs::LogGroup').map(({ Properties }) => readable(Properties.KmsKeyId));
    expect(keys).toEqual(keys.map(() => 'arn:<Key.Arn>'));
    expect(JSON.stringify(resourcesOf(stack, 'AWS::S3::Bucket')[0].Properties.BucketEncryption)).toContain('KMSMasterKeyID');
  });

  test('may be known by reference only: what its policy needs is told', () => {
    const stack = newStack();
    const encryptionKey = new kms.CfnKey(stack, 'Key', { keyPolicy: {} });
    poolWith({ encryptionKey }, stack);
    Annotations.fromStack(stack).hasWarning('/Stack/Pool', Match.stringLikeRegexp('logs.us-east-1.amazonaws.com'));
    Template.fromStack(stack).hasResourceProperties('AWS::DynamoDB::Table', { SSESpecification: { KMSMasterKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } } });
  });

  test('is nobody\'s by default', () => {
    const { stack } = poolWith();
    expect(resourcesOf(stack, 'AWS::DynamoDB::Table')[0].Properties.SSESpecification).toBeUndefined();
    expect(POOL_ROLES.flatMap((role) => statementsOf(stack, role)).flatMap(({ Action }) => Action).filter((a) => a.startsWith('kms:'))).toEqual([]);
  });
});

describe('an execution role', () => {
  const WRITE = { Action: LOGS, Resource: ['arn:<PoolSandboxLogs.Arn>'] };

  test('known by reference only gets the right to write the log as a policy on its name', () => {
    const stack = newStack();
    const executionRole = new iam.CfnRole(stack, 'ExecutionRole', { assumeRolePolicyDocument: {} });
    poolWith({ executionRole }, stack);
    expect(statementsOf(stack, 'ExecutionRole')).toEqual([WRITE]);
    expect(statementsOf(stack, 'PoolAllocatorRole')).toContainEqual({ Action: ['iam:PassRole'], Resource: ['arn:<ExecutionRole.Arn>'] });
  });

  test('that was imported gets it too', () => {
    const stack = newStack();
    poolWith({ executionRole: iam.Role.fromRoleName(stack, 'Imported', 'theirs') }, stack);
    const policies = resourcesOf(stack, 'AWS::IAM::Policy').filter(({ Properties }) => (Properties.Roles as unknown[]).includes('theirs'));
    const documents = policies.map(({ Properties }) => readable(Properties.PolicyDocument) as { Statement: unknown[] });
    expect(documents.map(({ Statement }) => Statement))
      .toEqual([[{ Effect: 'Allow', Action: LOGS, Resource: 'arn:<PoolSandboxLogs.Arn>' }]]);
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('executionRoleNotChanged'));
  });

  test('of another stack gets it by a policy beside the pool, also where the image is from there', () => {
    const app = new App();
    const roles = newStack('Roles', app);
    const executionRole = new SandboxExecutionRole(roles, 'ExecutionRole');
    const stack = newStack('Stack', app);
    poolWith({ executionRole, image: new SandboxImage(roles, 'Image', { source }) }, stack);
    const policies = resourcesOf(stack, 'AWS::IAM::Policy').filter(({ Properties }) => JSON.stringify(Properties.Roles).includes('ImportValue'));
    expect(policies.map(({ Properties }) => readable(Properties.PolicyDocument)))
      .toMatchObject([{ Statement: [{ Effect: 'Allow', Action: LOGS, Resource: 'arn:<PoolSandboxLogs.Arn>' }] }]);
    expect(statementsOf(roles, 'ExecutionRole')).toEqual([]);
    expect(roles.dependencies).toEqual([]);
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('executionRoleNotChanged'));
  });

  test.each([
    ['imported as it is', (stack: Stack) => iam.Role.fromRoleArn(stack, 'Imported', 'arn:aws:iam::123456789012:role/theirs', { mutable: false })],
    ['closed to policies', (stack: Stack) => new iam.Role(stack, 'Own', { assumedBy: lambdaPrincipal() }).withoutPolicyUpdates()],
  ])('that is %s is told what it lacks', (_, roleOf) => {
    const stack = newStack();
    poolWith({ executionRole: roleOf(stack) }, stack);
    Annotations.fromStack(stack).hasWarning('/Stack/Pool', Match.stringLikeRegexp(
      'the rights of this role cannot be changed from here.*"logs:CreateLogStream","logs:PutLogEvents".*PoolSandboxLogs',
    ));
  });
});

test('nothing of a pool is granted on everything', () => {
  const { stack } = everything();
  const wide = [...POOL_ROLES, 'PoolProviderRole'].flatMap((role) => statementsOf(stack, role))
    .filter(({ Resource, Action }) => Resource.includes('*') || Action.some((action) => action.includes('*')));
  expect(wide).toEqual([]);
});

test('a permissions boundary bounds every role of the pool', () => {
  const { stack } = poolWith();
  iam.PermissionsBoundary.of(stack).apply(iam.ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'bound'));
  const unbounded = resourcesOf(stack, 'AWS::IAM::Role').filter(({ Properties }) => Properties.PermissionsBoundary === undefined);
  expect(unbounded).toEqual([]);
});
