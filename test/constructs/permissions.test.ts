import { Aspects, CfnResource, RemovalPolicy, RemovalPolicies } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ImageSource, SandboxImage, SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';
import type { IConstruct } from 'constructs';
import { DOCKERFILE_DIRECTORY } from './directories';
import { LAMBDA_ARN, MANAGED_CONNECTOR, newStack, readable, resourcesOf, statementsOf } from './synthesized';

const source = ImageSource.directory(DOCKERFILE_DIRECTORY);
const ANY_MICROVM = `${LAMBDA_ARN}:microvm:*`;
const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents'];

function everything() {
  const stack = newStack();
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 1 });
  const image = new SandboxImage(stack, 'Image', { imageName: 'mine', source });
  const executionRole = new iam.Role(stack, 'ExecutionRole', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  new SandboxPool(stack, 'Pool', { image, executionRole, network: SandboxNetwork.vpc({ vpc }) });
  return stack;
}

test('the image-builder may build this image from this source, and clean up after it', () => {
  const stack = everything();
  const [{ Properties }] = resourcesOf(stack, 'Custom::MicrovmSandboxImage');
  const { SourceKey } = readable(Properties) as { SourceKey: string };
  const image = `${LAMBDA_ARN}:microvm-image:mine`;
  const bucket = 'arn:<MicrovmSandboxArtifacts.Arn>';

  expect(statementsOf(stack, 'MicrovmSandboxImageBuilderRole')).toEqual(expect.arrayContaining([
    { Action: LOGS, Resource: ['arn:<MicrovmSandboxImageBuilderLogs.Arn>'] },
    { Action: ['lambda:CreateMicrovmImage', 'lambda:ListMicrovms'], Resource: ['*'] },
    {
      Action: [
        'lambda:GetMicrovmImage', 'lambda:UpdateMicrovmImage', 'lambda:DeleteMicrovmImage', 'lambda:TagResource', 'lambda:UntagResource',
        'lambda:GetMicrovmImageVersion', 'lambda:ListMicrovmImageVersions', 'lambda:UpdateMicrovmImageVersion',
        'lambda:DeleteMicrovmImageVersion', 'lambda:ListMicrovmImageBuilds', 'lambda:GetMicrovmImageBuild', 'lambda:TerminateMicrovm',
      ],
      Resource: [image],
    },
    { Action: ['lambda:ListManagedMicrovmImageVersions'], Resource: ['arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1'] },
    { Action: ['logs:FilterLogEvents'], Resource: ['arn:<ImageBuildLogs.Arn>'] },
    { Action: ['lambda:TerminateMicrovm'], Resource: [ANY_MICROVM] },
    { Action: ['lambda:PassNetworkConnector'], Resource: [`${MANAGED_CONNECTOR}:INTERNET_EGRESS`] },
    { Action: ['iam:PassRole'], Resource: ['arn:<ImageBuildRole.Arn>'] },
    { Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::cdk-hnb659fds-assets-123456789012-us-east-1/${SourceKey}`] },
    { Action: ['s3:GetObject', 's3:PutObject'], Resource: [`${bucket}/mine/*`] },
  ]));
  expect(statementsOf(stack, 'MicrovmSandboxImageBuilderRole')).toHaveLength(10);

  const [{ Properties: { PolicyDocument } }] = resourcesOf(stack, 'AWS::S3::BucketPolicy');
  const { Statement } = readable(PolicyDocument) as { Statement: { Effect: string }[] };
  const Principal = { AWS: 'arn:<MicrovmSandboxImageBuilderRole.Arn>' };
  expect(Statement.filter(({ Effect }) => Effect === 'Allow')).toEqual([
    { Effect: 'Allow', Principal, Action: 's3:ListBucket', Resource: bucket },
    { Effect: 'Allow', Principal, Action: 's3:DeleteObject', Resource: `${bucket}/*` },
  ]);
});

test('in a bucket of the user, the image-builder may clean up the folder of the image', () => {
  const stack = newStack();
  const artifactBucket = s3.Bucket.fromBucketName(stack, 'Theirs', 'theirs');
  new SandboxImage(stack, 'Image', { imageName: 'mine', artifactBucket });

  expect(statementsOf(stack, 'MicrovmSandboxImageBuilderRole')).toEqual(expect.arrayContaining([
    { Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], Resource: ['arn:aws:s3:::theirs/mine/*'] },
    { Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::theirs'], Condition: { StringLike: { 's3:prefix': 'mine/*' } } },
  ]));
});

test('the build may read the one artifact and write its log', () => {
  const stack = everything();
  const [{ Properties }] = resourcesOf(stack, 'Custom::MicrovmSandboxImage');
  const { ArtifactKey } = readable(Properties) as { ArtifactKey: string };

  expect(statementsOf(stack, 'ImageBuildRole')).toEqual([
    { Action: ['s3:GetObject'], Resource: [`arn:<MicrovmSandboxArtifacts.Arn>/${ArtifactKey}`] },
    { Action: LOGS, Resource: ['arn:<ImageBuildLogs.Arn>'] },
  ]);
});

test('the build role trusts the service on behalf of this account only, with session tags', () => {
  const trust = resourcesOf(everything(), 'AWS::IAM::Role')
    .map(({ Properties }) => Properties)
    .filter(({ Description }) => Description === 'Builds the MicroVM image Stack/Image')
    .map(({ AssumeRolePolicyDocument }) => (AssumeRolePolicyDocument as { Statement: unknown }).Statement);
  expect(trust).toEqual([[{
    Effect: 'Allow',
    Principal: { Service: 'lambda.amazonaws.com' },
    Action: ['sts:AssumeRole', 'sts:TagSession'],
    Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
  }]]);
});

test('no role has a managed policy, but for the operator of a VPC connector', () => {
  const managed = resourcesOf(everything(), 'AWS::IAM::Role').flatMap(({ Properties }) => readable(Properties.ManagedPolicyArns) ?? []);
  expect(managed).toEqual(['arn:aws:iam::aws:policy/AWSLambdaNetworkConnectorOperatorPolicy']);
});

test('pass-role grants carry no condition on the service, which would deny the call', () => {
  const stack = everything();
  const passing = statementsOf(stack, 'MicrovmSandboxImageBuilderRole').filter(({ Action }) => Action.includes('iam:PassRole'));
  expect(passing).toHaveLength(1);
  expect(passing.every(({ Condition }) => Condition === undefined)).toBe(true);
});

test('aspects and removal policies of the user reach what is created', () => {
  const stack = everything();
  const seen: string[] = [];
  Aspects.of(stack).add({
    visit: (node: IConstruct) => {
      if (CfnResource.isCfnResource(node)) seen.push(node.cfnResourceType);
    },
  });
  RemovalPolicies.of(stack).apply(RemovalPolicy.RETAIN);

  expect(resourcesOf(stack, 'AWS::DynamoDB::Table')[0].DeletionPolicy).toBe('Retain');
  expect(resourcesOf(stack, 'Custom::MicrovmSandboxImage')[0].DeletionPolicy).toBe('Retain');
  expect(seen).toEqual(expect.arrayContaining(['AWS::DynamoDB::Table', 'Custom::MicrovmSandboxImage', 'AWS::Lambda::NetworkConnector']));
});
