import { GetTemplateSummaryCommand, ValidateTemplateCommand } from '@aws-sdk/client-cloudformation';
import { CloudFormationFixture, namedRole, parameters } from './cloudformation-fixture';

const YAML = `
AWSTemplateFormatVersion: '2010-09-09'
Description: what it is
Metadata: {by: hand}
Parameters:
  Size: {Type: String, Default: small, AllowedValues: [small, large], Description: how large}
  Password: {Type: String, NoEcho: true}
Resources:
  A:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value: !Sub '\${Size}'
`;

const fixture = new CloudFormationFixture();
beforeAll(async () => {
  await fixture.start();
  const { buckets } = fixture.cloud.services;
  buckets.createBucket('templates');
  await buckets.put('templates', 'a folder/template.yaml', Buffer.from(YAML));
  await buckets.put('templates', 'large.json', Buffer.from(`${JSON.stringify(parameters(['A']))}${' '.repeat(60_000)}`));
  await buckets.put('templates', 'too-large.json', Buffer.from(' '.repeat(1_000_001)));
});
afterAll(() => fixture.stop());
afterEach(() => fixture.deleteStacks());

const send = fixture.send.bind(fixture);
const validate = (TemplateURL: string) => send(new ValidateTemplateCommand({ TemplateURL }));

test('tells what a template needs', async () => {
  expect(await send(new ValidateTemplateCommand({ TemplateBody: YAML }))).toMatchObject({
    Description: 'what it is',
    Parameters: [
      { ParameterKey: 'Size', DefaultValue: 'small', NoEcho: false, Description: 'how large' },
      { ParameterKey: 'Password', NoEcho: true },
    ],
    Capabilities: [],
  });
});

test('sums a template up, and the one of a stack', async () => {
  const summary = await send(new GetTemplateSummaryCommand({ TemplateBody: YAML }));
  const { Parameters, ResourceTypes, Version, Metadata } = summary;
  expect(Parameters?.[0]).toMatchObject({ ParameterKey: 'Size', ParameterType: 'String', ParameterConstraints: { AllowedValues: ['small', 'large'] } });
  expect({ ResourceTypes, Version, Metadata }).toEqual({ ResourceTypes: ['AWS::SSM::Parameter'], Version: '2010-09-09', Metadata: '{"by":"hand"}' });

  await fixture.create('One', namedRole({ RoleName: 'named' }), { Capabilities: ['CAPABILITY_NAMED_IAM'] });
  await fixture.settled('One');
  expect(await send(new GetTemplateSummaryCommand({ StackName: 'One' }))).toMatchObject({
    Capabilities: ['CAPABILITY_NAMED_IAM'], CapabilitiesReason: 'The following resource(s) require capabilities: [AWS::IAM::Role]', ResourceTypes: ['AWS::IAM::Role'],
  });
});

describe('reads a template from', () => {
  test.each([
    ['a URL with the bucket in its path', () => 'https://s3.us-east-1.amazonaws.com/templates/a%20folder/template.yaml'],
    ['one without a Region', () => 'https://s3.amazonaws.com/templates/a%20folder/template.yaml'],
    ['one of the dual stack', () => 'https://s3.dualstack.us-east-1.amazonaws.com/templates/a%20folder/template.yaml'],
    ['a URL with the bucket in its host', () => 'https://templates.s3.us-east-1.amazonaws.com/a%20folder/template.yaml'],
    ['one of its own', () => `${fixture.cloud.endpoint}/templates/a%20folder/template.yaml`],
  ])('%s', async (_, url) => {
    expect(await validate(url())).toMatchObject({ Description: 'what it is' });
  });

  test('an object that is too long for a body, and creates a stack of it', async () => {
    await fixture.create('Large', '', { TemplateBody: undefined, TemplateURL: 'https://templates.s3.amazonaws.com/large.json' });
    await fixture.settled('Large');
    expect(await fixture.describe('Large')).toMatchObject({ StackStatus: 'CREATE_COMPLETE' });
  });
});

describe('fails on', () => {
  test.each([
    ['an object that is not there', 'https://templates.s3.amazonaws.com/nothing', /S3 error: .*nothing in the bucket templates/],
    ['a bucket that is not there', 'https://s3.amazonaws.com/nothing/template', /S3 error/],
    ['an object that is too large', 'https://s3.amazonaws.com/templates/too-large.json', /1000000 bytes/],
    ['a URL of another host', 'https://example.com/templates/template.yaml', /must be an Amazon S3 URL/],
    ['another local server', 'http://127.0.0.1:1/templates/template.yaml', /must be an Amazon S3 URL/],
    ['S3 without encryption', 'http://s3.amazonaws.com/templates/large.json', /must be an Amazon S3 URL/],
    ['a bucket without a key', 'https://templates.s3.amazonaws.com/', /valid S3 object/],
    ['a key that is none', 'https://templates.s3.amazonaws.com/%E0%A4%A', /valid S3 object/],
    ['no URL', 'template.yaml', /must be an Amazon S3 URL/],
  ])('%s', async (_, url, message) => {
    await expect(validate(url)).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringMatching(message) });
  });

  test('a transform', async () => {
    await expect(send(new ValidateTemplateCommand({ TemplateBody: JSON.stringify({ Transform: 'AWS::Serverless-2016-10-31', ...parameters(['A']) }) })))
      .rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('AWS::Serverless') });
  });
});
