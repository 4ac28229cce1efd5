import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand, ValidateTemplateCommand } from '@aws-sdk/client-cloudformation';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ACCOUNT, IamCloud } from './iam-cloud';
import { sendSigned } from './signed-request';
import { authorize } from '../../authorize';

let cloud: IamCloud;
let count = 0;

beforeAll(async () => {
  cloud = await IamCloud.start(authorize);
  cloud.services.buckets.createBucket('bucket');
});
afterAll(() => cloud.stop());

const allow = (Action: string, Resource = '*', rest: object = {}) => ({ Effect: 'Allow', Action, Resource, ...rest });

/** What the clients of a new role need. */
async function configuration({ statements = [], managed = [] }: { statements?: object[]; managed?: string[] }) {
  const name = `Deployer${++count}`;
  const credentials = await cloud.roleWith(name, ...statements);
  for (const policy of managed) cloud.iam.role(name).managedPolicyArns.add(`arn:aws:iam::aws:policy/${policy}`);
  return { ...cloud.configuration, credentials, forcePathStyle: true };
}

async function stacksAs(given: { statements?: object[]; managed?: string[] }) {
  return new CloudFormationClient(await configuration(given));
}

function roleFor(Service: string): string {
  const trust = { Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' };
  return cloud.iam.createRole(`Execution${++count}`, { trustPolicy: { Version: '2012-10-17', Statement: [trust] } }).arn;
}

const create = (input: object) => new CreateStackCommand({ StackName: 'one', TemplateBody: '{}', ...input });

describe('a template by its URL', () => {
  const TemplateURL = 'https://s3.us-east-1.amazonaws.com/bucket/template.json';
  const deploy = allow('cloudformation:*');

  test('is read as the caller', async () => {
    const statements = [deploy, allow('s3:GetObject', 'arn:aws:s3:::bucket/template.json')];
    const stacks = await stacksAs({ statements });
    await stacks.send(create({ TemplateBody: undefined, TemplateURL }));
  });

  test.each([
    ['CreateStack', () => create({ TemplateBody: undefined, TemplateURL })],
    ['ValidateTemplate', () => new ValidateTemplateCommand({ TemplateURL })],
  ])('fails for a caller that may not read it, as CloudFormation says it: %s', async (_, command) => {
    const stacks = await stacksAs({ statements: [deploy, allow('s3:GetObject', 'arn:aws:s3:::bucket/other.json')] });
    await expect(stacks.send(command() as ReturnType<typeof create>)).rejects.toMatchObject({ name: 'ValidationError', message: 'S3 error: Access Denied' });
    expect(cloud.denials.at(-1)).toMatchObject({ action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/template.json' });
  });
});

describe('the role of a deployment', () => {
  const statements = [allow('cloudformation:*'), allow('iam:PassRole')];

  test('is assumed by CloudFormation', async () => {
    await (await stacksAs({ statements })).send(create({ RoleARN: roleFor('cloudformation.amazonaws.com') }));
  });

  test('fails where it does not let CloudFormation in, for the account\'s user, too', async () => {
    const RoleARN = roleFor('lambda.amazonaws.com');
    const refusal = { name: 'ValidationError', message: `Role ${RoleARN} is invalid or cannot be assumed` };
    await expect((await stacksAs({ statements })).send(create({ RoleARN }))).rejects.toMatchObject(refusal);
    const user = new CloudFormationClient(cloud.configuration);
    await expect(user.send(create({ RoleARN }))).rejects.toMatchObject(refusal);
  });

  test('fails as well where the form is the query of a GET', async () => {
    const RoleARN = roleFor('lambda.amazonaws.com');
    const query = { Action: 'CreateStack', Version: '2010-05-15', StackName: 'one', TemplateBody: '{}', RoleARN };
    const answer = await sendSigned(cloud, cloud.iam.user, { service: 'cloudformation', method: 'GET', query });
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('is invalid or cannot be assumed') });
  });

  test('fails where there is no such role', async () => {
    const RoleARN = `arn:aws:iam::${ACCOUNT}:role/Nobody`;
    await expect((await stacksAs({ statements })).send(create({ RoleARN }))).rejects.toMatchObject({ name: 'ValidationError' });
  });

  test('fails for a caller that may not pass it', async () => {
    const stacks = await stacksAs({ statements: [allow('cloudformation:*')] });
    const RoleARN = roleFor('cloudformation.amazonaws.com');
    await expect(stacks.send(create({ RoleARN }))).rejects.toMatchObject({ message: expect.stringContaining('iam:PassRole') });
  });
});

describe('policies of AWS that a bootstrap names', () => {
  test.each(['AWSCloudFormationReadOnlyAccess', 'ReadOnlyAccess'])('%s reads stacks and changes none', async (policy) => {
    const stacks = await stacksAs({ managed: [policy] });
    await stacks.send(new DescribeStacksCommand({ StackName: 'one' }));
    await expect(stacks.send(create({}))).rejects.toMatchObject({ message: expect.stringContaining('cloudformation:CreateStack') });
  });
});

describe('whose resource it is', () => {
  const put = async (operator: string, key: string, account: string) => {
    const condition = { Condition: { [operator]: { [key]: account } } };
    const s3 = new S3Client(await configuration({ statements: [allow('s3:PutObject', '*', condition)] }));
    return s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'content' }));
  };

  test.each(['aws:ResourceAccount', 's3:ResourceAccount'])('%s is the account of the cloud', async (key) => {
    await put('StringEquals', key, ACCOUNT);
    await expect(put('StringEquals', key, '111111111111')).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(put('StringNotEquals', key, ACCOUNT)).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
