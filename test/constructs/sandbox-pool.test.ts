import { App, CfnParameter, CfnResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { SandboxPoolProps } from 'cdk-microvm-sandbox';
import { IdlePolicy, ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { LAMBDA_ARN, MANAGED_CONNECTOR, newStack, poolConfigurations, propertiesOf, readable, resourcesOf, statementsOf } from './synthesized';

const IMAGE_ARN = `${LAMBDA_ARN}:microvm-image:theirs`;

function poolWith(props: SandboxPoolProps = {}, stack = newStack()) {
  const image = SandboxImage.fromSandboxImageAttributes(stack, 'Theirs', {
    imageArn: IMAGE_ARN, imageVersion: '3.0', daemonPort: 8080, hookPort: 9000,
  });
  const pool = new SandboxPool(stack, 'Pool', { image, ...props });
  return { stack, pool, template: () => Template.fromStack(stack), configuration: () => poolConfigurations(stack)[0] };
}

const aFunction = (stack: Stack) => new lambda.Function(stack, 'Agent', {
  runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromInline('exports.handler = () => {}'),
});

const aRole = (stack: Stack) => new iam.Role(stack, 'ExecutionRole', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });

describe('defaults', () => {
  test('gives out up to 10 sandboxes for 15 minutes, suspends the idle, reaches the internet, has no role', () => {
    expect(poolWith().configuration()).toEqual({
      poolName: expect.stringMatching(/^Stack-Pool-[0-9a-f]{8}$/),
      tableName: '<PoolTable>',
      imageArn: IMAGE_ARN,
      imageVersion: '3.0',
      daemonPort: 8080,
      hookPort: 9000,
      executionRoleArn: null,
      logGroupName: null,
      ingressConnectorArns: [`${MANAGED_CONNECTOR}:HTTP_INGRESS`],
      egressConnectorArns: [`${MANAGED_CONNECTOR}:INTERNET_EGRESS`],
      maxSandboxes: 10,
      defaultLeaseMs: 900_000,
      idle: { afterSeconds: 300, then: 'suspend' },
    });
  });

  test('builds an image of the sandbox runtime if it is given none', () => {
    const stack = newStack();
    const pool = new SandboxPool(stack, 'Pool');

    expect(propertiesOf(stack, 'Custom::MicrovmSandboxImage').ImageName).toBe(pool.image.imageName);
    expect(poolConfigurations(stack)[0]).toMatchObject({
      imageArn: 'arn:<PoolImage.ImageArn>', imageVersion: '<PoolImage.ImageVersion>', daemonPort: 8080, hookPort: 9000,
    });
  });

  test('tells allocator and keeper the same', () => {
    const [allocator, keeper] = poolConfigurations(poolWith().stack);
    expect(keeper).toEqual(allocator);
  });

  test('keeps its list in a table that is paid by use and forgets by itself', () => {
    poolWith().template().hasResource('AWS::DynamoDB::Table', {
      Properties: {
        KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }, { AttributeName: 'id', KeyType: 'RANGE' }],
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'removeAfter', Enabled: true },
      },
      DeletionPolicy: 'Delete',
    });
  });

  test('runs the allocator for at most a minute and the keeper every minute', () => {
    const { template } = poolWith();
    template().hasResourceProperties('AWS::Lambda::Function', {
      Description: Match.stringLikeRegexp('^allocator: '), Timeout: 60, Architectures: ['arm64'], Runtime: 'nodejs24.x', Handler: 'index.handler',
    });
    template().hasResourceProperties('AWS::Lambda::Function', { Description: Match.stringLikeRegexp('^keeper: '), Handler: 'index.handler' });
    template().hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^PoolKeeper'), 'Arn'] } })],
    });
  });

  test('logs to groups of its own, kept for two weeks', () => {
    const { stack, template } = poolWith();
    template().allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 14 });
    const groups = resourcesOf(stack, 'AWS::Lambda::Function').map(({ Properties }) => readable(Properties.LoggingConfig));
    expect(groups).toEqual([
      { LogGroup: '<PoolAllocatorLogs>' },
      { LogGroup: '<PoolKeeperLogs>' },
      expect.objectContaining({ LogGroup: '<PoolKeeperLogs>' }),
    ]);
  });

  test('knows neither daemon nor hooks of an image that has none', () => {
    const stack = newStack();
    const image = new SandboxImage(stack, 'Image', { source: ImageSource.directory(DOCKERFILE_DIRECTORY) });
    expect(poolWith({ image }, stack).configuration()).toMatchObject({ daemonPort: null, hookPort: null });
  });
});

describe('overrides', () => {
  test('takes limits, policies and retentions', () => {
    const { configuration, template } = poolWith({
      maxSandboxes: 1,
      defaultTimeout: Duration.hours(8),
      idlePolicy: IdlePolicy.none(),
      removalPolicy: RemovalPolicy.RETAIN,
      logRetention: logs.RetentionDays.ONE_DAY,
    });

    expect(configuration()).toMatchObject({ maxSandboxes: 1, defaultLeaseMs: 28_800_000, idle: null });
    template().hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain' });
    template().allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 1 });
  });

  test('runs sandboxes as a role, which may write their log, and warns of it', () => {
    const stack = newStack();
    const { configuration } = poolWith({ executionRole: aRole(stack) }, stack);

    expect(configuration()).toMatchObject({ executionRoleArn: 'arn:<ExecutionRole.Arn>', logGroupName: '<PoolSandboxLogs>' });
    expect(statementsOf(stack, 'ExecutionRole')).toEqual([
      { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: ['arn:<PoolSandboxLogs.Arn>'] },
    ]);
    Annotations.fromStack(stack).hasWarning('/Stack/Pool', Match.stringLikeRegexp('any code in a sandbox can act as this role.*:executionRole'));
  });

  test('does not warn without a role', () => {
    Annotations.fromStack(poolWith().stack).hasNoWarning('*', Match.anyValue());
  });
});

describe('bad input', () => {
  test.each([0, -1, 1.5, NaN])('fails on %d sandboxes', (maxSandboxes) => {
    expect(() => poolWith({ maxSandboxes })).toThrow(`maxSandboxes: got ${maxSandboxes}, allowed are whole numbers from 1 [at Stack/Pool]`);
  });

  test.each([
    [Duration.seconds(59), '59'], [Duration.hours(8).plus(Duration.seconds(1)), '28801'], [Duration.millis(60_500), '60.5'],
  ])('fails on a lease of %s', (defaultTimeout, seconds) => {
    expect(() => poolWith({ defaultTimeout }))
      .toThrow(`defaultTimeout: got ${seconds} seconds, allowed are whole seconds from 60 to 28800 [at Stack/Pool]`);
  });

  test('takes a lease of a minute', () => {
    expect(poolWith({ defaultTimeout: Duration.minutes(1) }).configuration()).toMatchObject({ defaultLeaseMs: 60_000 });
  });

  test('leaves tokens to the deployment', () => {
    const stack = newStack();
    const number = new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber;
    const { template } = poolWith({ maxSandboxes: number, defaultTimeout: Duration.millis(number) }, stack);

    template().hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          POOL_CONFIGURATION: {
            'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('"maxSandboxes":$'), { Ref: 'Number' }, ',"defaultLeaseMs":', { Ref: 'Number' }])],
          },
        },
      },
    });
  });

  test('creates nothing for a bad input', () => {
    const stack = newStack();
    expect(() => new SandboxPool(stack, 'Pool', { maxSandboxes: 0 })).toThrow();
    expect(stack.node.findAll().filter(CfnResource.isCfnResource)).toEqual([]);
  });

  test.each([
    ['the daemon\'s port', { daemonPort: 9000, hookPort: 9000 }],
    ['the port that is opened where nobody names one', { hookPort: 8080 }],
  ])('fails on an image whose hooks are on %s, which every sandbox opens', (_, ports) => {
    const stack = newStack();
    const image = SandboxImage.fromSandboxImageAttributes(stack, 'Image', { imageArn: IMAGE_ARN, imageVersion: '3.0', ...ports });
    expect(() => new SandboxPool(stack, 'Pool', { image })).toThrow(/image: its hooks are on port \d+, .*answer them on another port, like 9000/);
  });

  test.each([
    ['eu-west-1', '123456789012'], ['us-east-1', '210987654321'],
  ])('fails on an image in %s of account %s', (region, account) => {
    const stack = newStack();
    const image = SandboxImage.fromSandboxImageAttributes(stack, 'Image', {
      imageArn: `arn:aws:lambda:${region}:${account}:microvm-image:theirs`, imageVersion: '3.0',
    });
    expect(() => new SandboxPool(stack, 'Pool', { image }))
      .toThrow(`image: is in ${region} of account ${account}, the pool in us-east-1 of account 123456789012`);
  });

  test('leaves the place of an image to the deployment in a stack without an environment', () => {
    const stack = new Stack(new App(), 'Agnostic');
    expect(() => poolWith({}, stack)).not.toThrow();
  });

});

describe('use', () => {
  test('grants to invoke the allocator and nothing else', () => {
    const { stack, pool } = poolWith();
    const grant = pool.grantUse(aRole(stack));

    expect(grant.success).toBe(true);
    expect(statementsOf(stack, 'ExecutionRole')).toEqual([{ Action: ['lambda:InvokeFunction'], Resource: ['arn:<PoolAllocator.Arn>'] }]);
  });

  test('connects a function: the grant, and the address in its environment', () => {
    const { stack, pool, template } = poolWith();
    pool.connect(aFunction(stack));

    expect(statementsOf(stack, 'AgentServiceRole')).toEqual([{ Action: ['lambda:InvokeFunction'], Resource: ['arn:<PoolAllocator.Arn>'] }]);
    template().hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { SANDBOX_POOL: { 'Fn::GetAtt': [Match.stringLikeRegexp('^PoolAllocator'), 'Arn'] } } },
    });
  });

  test('works for a pool that exists already', () => {
    const stack = newStack();
    const allocatorArn = `${LAMBDA_ARN}:function:theirs`;
    const pool = SandboxPool.fromSandboxPoolAttributes(stack, 'Pool', { allocatorArn });
    pool.connect(aFunction(stack));

    expect(statementsOf(stack, 'AgentServiceRole')).toEqual([{ Action: ['lambda:InvokeFunction'], Resource: [allocatorArn] }]);
    expect(propertiesOf(stack, 'AWS::Lambda::Function').Environment).toEqual({ Variables: { SANDBOX_POOL: allocatorArn } });
  });

  test.each(['theirs', `${LAMBDA_ARN}:microvm-image:x`, `${LAMBDA_ARN}:function:theirs:1`])('fails on the allocator ARN %s', (allocatorArn) => {
    expect(() => SandboxPool.fromSandboxPoolAttributes(newStack(), 'Pool', { allocatorArn }))
      .toThrow(`allocatorArn: '${allocatorArn}' is not the ARN of a function`);
  });

  test('works from another stack', () => {
    const app = new App();
    const { pool } = poolWith({}, newStack('Stack', app));
    const other = newStack('Other', app);
    pool.connect(aFunction(other));

    expect(statementsOf(other, 'AgentServiceRole')).toEqual([
      { Action: ['lambda:InvokeFunction'], Resource: [{ 'Fn::ImportValue': expect.stringContaining('PoolAllocator') }] },
    ]);
  });
});
