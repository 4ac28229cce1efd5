import { CfnParameter, Stack, App } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { ImageSource, OsCapabilities, SandboxExecutionRole, SandboxImage, TrustCondition } from 'cdk-microvm-sandbox';
import type { SandboxImageProps } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { LAMBDA_ARN, newStack, propertiesOf, readable, resourcesOf, statementsOf } from './synthesized';

const IMAGE = 'Custom::MicrovmSandboxImage';
const source = ImageSource.directory(DOCKERFILE_DIRECTORY);
const lambdaPrincipal = new iam.ServicePrincipal('lambda.amazonaws.com');

function imageWith(props: SandboxImageProps, stack = newStack()) {
  const image = new SandboxImage(stack, 'Image', { imageName: 'mine', source, ...props });
  return { stack, image, properties: () => propertiesOf(stack, IMAGE) };
}

const warningsOf = (stack: Stack, id: string) => Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp(id))
  .map(({ entry }) => String(entry.data));

describe('what the platform needs to assume a role', () => {
  const SOURCE_ACCOUNT = { StringEquals: { 'aws:SourceAccount': '123456789012' } };
  const conditions: [TrustCondition | undefined, unknown][] = [
    [undefined, SOURCE_ACCOUNT],
    [TrustCondition.SOURCE_ACCOUNT, SOURCE_ACCOUNT],
    [TrustCondition.SOURCE_ACCOUNT_AND_ARN, {
      ...SOURCE_ACCOUNT, ArnLike: { 'aws:SourceArn': [`${LAMBDA_ARN}:microvm-image:*`, `${LAMBDA_ARN}:microvm:*`] },
    }],
    [TrustCondition.NONE, undefined],
  ];
  const trustOf = (stack: Stack, id: string) => resourcesOf(stack, 'AWS::IAM::Role').map(({ Properties }) => readable(Properties))
    .filter((properties) => JSON.stringify(properties).includes(id))
    .map((properties) => properties as { AssumeRolePolicyDocument: { Statement: unknown } })
    .map(({ AssumeRolePolicyDocument }) => AssumeRolePolicyDocument.Statement);
  const statement = (Condition: unknown) => [[{
    Effect: 'Allow',
    Principal: { Service: 'lambda.amazonaws.com' },
    Action: ['sts:AssumeRole', 'sts:TagSession'],
    ...(Condition === undefined ? {} : { Condition }),
  }]];

  test.each(conditions)('is in the build role, under the condition %s', (trustCondition, condition) => {
    expect(trustOf(imageWith({ trustCondition }).stack, 'Builds the MicroVM image')).toEqual(statement(condition));
  });

  test.each(conditions)('is in an execution role, under the condition %s, and no right with it', (trustCondition, condition) => {
    const stack = newStack();
    new SandboxExecutionRole(stack, 'Role', { trustCondition });
    expect(trustOf(stack, 'Role of the code')).toEqual(statement(condition));
    Template.fromStack(stack).resourceCountIs('AWS::IAM::Policy', 0);
  });

  test('an execution role takes a name and a description', () => {
    const stack = newStack();
    new SandboxExecutionRole(stack, 'Role', { roleName: 'mine', description: 'Mine' });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Role', { RoleName: 'mine', Description: 'Mine' });
  });

  test('fails on a condition for a role of the user', () => {
    const stack = newStack();
    const buildRole = new iam.Role(stack, 'Role', { assumedBy: lambdaPrincipal });
    expect(() => imageWith({ buildRole, trustCondition: TrustCondition.NONE }, stack))
      .toThrow('trustCondition: the trust of a buildRole of yours is its own; leave one of the two out');
  });
});

describe('a build role of the user', () => {
  const needed = (key: string) => [
    { Action: ['s3:GetObject'], Resource: [`arn:<MicrovmSandboxArtifacts.Arn>/${key}`] },
    { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: ['arn:<ImageBuildLogs.Arn>'] },
  ];

  test('that is known by reference only gets its rights by a policy on its name', () => {
    const stack = newStack();
    const buildRole = new iam.CfnRole(stack, 'Native', { assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] } });
    const { image, properties } = imageWith({ buildRole }, stack);

    expect(properties().BuildRoleArn).toBe('arn:<Native.Arn>');
    expect(statementsOf(stack, 'Native')).toEqual(needed(properties().ArtifactKey as string));
    expect(image.buildRole).toBe(buildRole);
    const [{ DependsOn }] = resourcesOf(stack, IMAGE) as unknown as { DependsOn: string[] }[];
    expect(DependsOn).toEqual(expect.arrayContaining([expect.stringMatching(/^ImageBuildRolePolicy/), 'Native']));
    expect(warningsOf(stack, 'buildRoleNotChanged')).toEqual([]);
  });

  test('that is of another stack gets a policy beside the image: neither stack waits for the other', () => {
    const app = new App();
    const roles = newStack('Roles', app);
    const buildRole = new iam.Role(roles, 'Role', { assumedBy: lambdaPrincipal });
    const { stack } = imageWith({ buildRole }, newStack('Stack', app));
    const [{ DependsOn }] = resourcesOf(stack, IMAGE) as unknown as { DependsOn: string[] }[];

    expect(DependsOn).toContainEqual(expect.stringMatching(/^ImageBuildRolePolicy/));
    expect(statementsOf(roles, 'Role')).toEqual([]);
    expect(roles.dependencies).toEqual([]);
  });

  test('that is imported in another stack gets a policy beside the image, and none there', () => {
    const app = new App();
    const [roles, stack] = [newStack('Roles', app), newStack('Stack', app)];
    const { properties } = imageWith({ buildRole: iam.Role.fromRoleArn(roles, 'Role', 'arn:aws:iam::123456789012:role/path/theirs') }, stack);
    const [policy, ...more] = resourcesOf(stack, 'AWS::IAM::Policy').map(({ Properties }) => Properties)
      .filter(({ Roles }) => JSON.stringify(Roles) === '["theirs"]');

    expect(more).toEqual([]);
    expect(readable(policy)).toMatchObject({
      PolicyDocument: {
        Statement: [
          { Action: 's3:GetObject', Resource: `arn:<MicrovmSandboxArtifacts.Arn>/${String(properties().ArtifactKey)}` },
          { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: 'arn:<ImageBuildLogs.Arn>' },
        ],
      },
    });
    expect(Template.fromStack(roles).toJSON()).not.toHaveProperty('Resources');
    expect([roles.dependencies, stack.dependencies]).toEqual([[], []]);
    expect(warningsOf(stack, 'buildRoleNotChanged')).toEqual([]);
  });

  test('that is of a stack in another Region gets a policy by its name', () => {
    const app = new App();
    const roles = new Stack(app, 'Roles', { env: { region: 'eu-west-1', account: '123456789012' } });
    const { stack, properties } = imageWith({ buildRole: new iam.Role(roles, 'Role', { roleName: 'theirs', assumedBy: lambdaPrincipal }) }, newStack('Stack', app));

    expect(readable(properties().BuildRoleArn)).toMatch(/:iam::123456789012:role\/theirs$/);
    expect(resourcesOf(stack, 'AWS::IAM::Policy').map(({ Properties }) => Properties.Roles)).toContainEqual(['theirs']);
    Template.fromStack(roles).resourceCountIs('AWS::IAM::Policy', 0);
  });

  test.each([
    ['a role', (roles: Stack) => new iam.Role(roles, 'Role', { roleName: 'theirs', assumedBy: lambdaPrincipal })],
    ['an imported one', (roles: Stack) => iam.Role.fromRoleArn(roles, 'Role', 'arn:aws:iam::999999999999:role/theirs')],
    ['one that is imported as it is', (roles: Stack) => iam.Role.fromRoleArn(roles, 'Role', 'arn:aws:iam::999999999999:role/theirs', { mutable: false })],
  ])('that is of a stack in another account is warned of, and gets no policy there or here: %s', (_, roleIn) => {
    const app = new App();
    const roles = new Stack(app, 'Roles', { env: { region: 'us-east-1', account: '999999999999' } });
    const { stack } = imageWith({ buildRole: roleIn(roles) }, newStack('Stack', app));

    expect(warningsOf(stack, 'buildRoleNotChanged')).toEqual([expect.stringContaining('logs:PutLogEvents')]);
    for (const each of [stack, roles]) {
      expect(JSON.stringify(resourcesOf(each, 'AWS::IAM::Policy').map(({ Properties }) => Properties.Roles))).not.toContain('theirs');
    }
  });

  test.each([
    ['imported as it is', (roles: Stack) => iam.Role.fromRoleArn(roles, 'Role', 'arn:aws:iam::123456789012:role/theirs', { mutable: false })],
    ['without policy updates', (roles: Stack) => new iam.Role(roles, 'Role', { assumedBy: lambdaPrincipal }).withoutPolicyUpdates()],
  ])('that is of another stack and %s is warned of, and gets no policy', (_, roleIn) => {
    const app = new App();
    const roles = newStack('Roles', app);
    const { stack } = imageWith({ buildRole: roleIn(roles) }, newStack('Stack', app));

    expect(warningsOf(stack, 'buildRoleNotChanged')).toEqual([expect.stringContaining('logs:PutLogEvents')]);
    expect(Object.keys(Template.fromStack(stack).findResources('AWS::IAM::Policy'))).not.toContainEqual(expect.stringMatching(/BuildRolePolicy/));
  });

  test('that is imported gets a policy too', () => {
    const stack = newStack();
    imageWith({ buildRole: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/theirs') }, stack);
    const [policy] = resourcesOf(stack, 'AWS::IAM::Policy').filter(({ Properties }) => JSON.stringify(Properties.Roles) === '["theirs"]');
    expect(policy).toBeDefined();
    expect(warningsOf(stack, 'buildRoleNotChanged')).toEqual([]);
  });

  test.each([
    ['imported as it is', (stack: Stack) => iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/theirs', { mutable: false })],
    ['of another account', (stack: Stack) => iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::999999999999:role/theirs')],
    ['without policy updates', (stack: Stack) => new iam.Role(stack, 'Role', { assumedBy: lambdaPrincipal }).withoutPolicyUpdates()],
  ])('that is %s is warned of, with the statements that it needs', (_, roleIn) => {
    const stack = newStack();
    const { properties } = imageWith({ buildRole: roleIn(stack) }, stack);
    const [warning, ...more] = warningsOf(stack, 'buildRoleNotChanged');

    expect(more).toEqual([]);
    expect(warning).toContain('buildRole: the rights of this role cannot be changed from here. It needs [{"Action":"s3:GetObject"');
    expect(warning).toContain(properties().ArtifactKey as string);
    expect(warning).toContain('logs:PutLogEvents');
  });

  test('that is ours is not warned of', () => {
    expect(warningsOf(imageWith({}).stack, 'buildRoleNotChanged')).toEqual([]);
  });
});

describe('the encryption key', () => {
  const LOGS_STATEMENT = {
    Effect: 'Allow',
    Principal: { Service: 'logs.us-east-1.amazonaws.com' },
    Action: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
    Resource: '*',
    Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': 'arn:aws:logs:us-east-1:123456789012:*' } },
  };
  const encrypted = (keyIn = (stack: Stack): kms.IKeyRef => new kms.Key(stack, 'Key')) => {
    const stack = newStack();
    return imageWith({ encryptionKey: keyIn(stack) }, stack);
  };

  test('encrypts the artifacts, the build log, the builder\'s log and the environment of its functions', () => {
    const { stack } = encrypted();
    const key = 'arn:<Key.Arn>';

    expect(propertiesOf(stack, 'AWS::S3::Bucket').BucketEncryption).toEqual({
      ServerSideEncryptionConfiguration: [{
        BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
      }],
    });
    expect(resourcesOf(stack, 'AWS::Logs::LogGroup').map(({ Properties }) => readable(Properties.KmsKeyId))).toEqual([key, key]);
    const withVariables = resourcesOf(stack, 'AWS::Lambda::Function').filter(({ Properties }) => Properties.Environment !== undefined);
    expect(withVariables.map(({ Properties }) => readable(Properties.KmsKeyArn))).toEqual([key, key, key]);
  });

  test('lets CloudWatch Logs use it for the log groups of this account and Region, once', () => {
    const statements = (propertiesOf(encrypted().stack, 'AWS::KMS::Key').KeyPolicy as { Statement: unknown[] }).Statement;
    expect(statements.slice(1)).toEqual([LOGS_STATEMENT]);
  });

  test('is used by the build to read, and by the builder to read and write', () => {
    const { stack } = encrypted();
    const roles = ['ImageBuildRole', ...new Set(resourcesOf(stack, 'AWS::IAM::Role')
      .flatMap(() => Object.keys(Template.fromStack(stack).findResources('AWS::IAM::Role')))
      .map((id) => id.slice(0, -8)).filter((id) => /^MicrovmSandboxImageBuilder.*Role$/.test(id)))];
    const uses = Object.fromEntries(roles.map((role) => [
      role.replace(/^MicrovmSandboxImageBuilder/, ''),
      statementsOf(stack, role).filter(({ Resource }) => Resource.includes('arn:<Key.Arn>')).map(({ Action }) => Action),
    ]));

    expect(uses).toMatchObject({
      ImageBuildRole: [['kms:Decrypt']],
      Role: [['kms:Decrypt', 'kms:GenerateDataKey']],
      // Lambda decrypts the environment with a grant of its own.
      FrameworkOnEventRole: [],
      FrameworkCompleteRole: [],
    });
  });

  test('of a bare resource of the stack is used as it is, and told what its policy needs', () => {
    const { stack } = encrypted((scope) => new kms.CfnKey(scope, 'Native', { keyPolicy: { Version: '2012-10-17', Statement: [] } }));
    expect(readable(resourcesOf(stack, 'AWS::Logs::LogGroup')[0].Properties.KmsKeyId)).toBe('arn:<Native.Arn>');
    expect(warningsOf(stack, 'keyPolicyNotChanged').length).toBeGreaterThan(0);
  });

  test('that is imported is warned of, with the statement that it needs', () => {
    const { stack } = encrypted((scope) => kms.Key.fromKeyArn(scope, 'Key', 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab'));
    const warnings = warningsOf(stack, 'keyPolicyNotChanged');
    expect(warnings[0]).toContain('encryptionKey: the policy of this key cannot be changed from here');
    expect(warnings[0]).toContain('kms:EncryptionContext:aws:logs:arn');
    expect(warnings[0]).toContain('logs.us-east-1.amazonaws.com');
  });

  test('is not there unless given', () => {
    const { stack } = imageWith({});
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).not.toContain('"KmsKey');
  });
});

describe('the capabilities of the operating system', () => {
  test('are none, without a warning, unless asked', () => {
    for (const osCapabilities of [undefined, OsCapabilities.NONE]) {
      const { stack, properties } = imageWith({ osCapabilities });
      expect(properties().OsCapabilities).toEqual([]);
      Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
    }
  });

  test('are all if asked, with a warning', () => {
    const { stack, properties } = imageWith({ osCapabilities: OsCapabilities.ALL });
    expect(properties().OsCapabilities).toEqual(['ALL']);
    Annotations.fromStack(stack).hasWarning('/Stack/Image', Match.stringLikeRegexp('microVM is the only boundary left.*allOsCapabilities'));
  });
});

describe('the versions that stay', () => {
  test.each([[undefined, '1'], [1, '1'], [48, '48']])('%s: %s', (retainVersions, rendered) => {
    expect(imageWith({ retainVersions }).properties().RetainVersions).toBe(rendered);
  });

  test('may be a token', () => {
    const stack = new Stack(new App(), 'Stack');
    const retainVersions = new CfnParameter(stack, 'Count', { type: 'Number' }).valueAsNumber;
    expect(imageWith({ retainVersions }, stack).properties().RetainVersions).toBe('<Count>');
  });

  test.each([-1, 49, 1.5])('fails on %s', (retainVersions) => {
    expect(() => imageWith({ retainVersions })).toThrow(`retainVersions: got ${retainVersions}, allowed are whole numbers from 1 to 48 [at Stack/Image]`);
  });

  test('fails on none, which a rollback would miss', () => {
    expect(() => imageWith({ retainVersions: 0 })).toThrow(
      /^retainVersions: got 0, allowed are whole numbers from 1 to 48; when a deployment fails.*keep 1 \[at Stack\/Image\]$/,
    );
  });
});
