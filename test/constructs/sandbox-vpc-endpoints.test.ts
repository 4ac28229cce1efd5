import { App, Fn, PropertyInjectors, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SandboxPool, SandboxVpcEndpoints } from 'cdk-microvm-sandbox';
import { byPath, countOf, vpcStack } from './network-fixture';
import { ACCOUNT, LAMBDA_ARN, resourcesOf } from './synthesized';

const ENDPOINT = 'AWS::EC2::VPCEndpoint';
const ALLOCATOR = `${LAMBDA_ARN}:function:allocator`;

function statementOf(stack: Stack, id: 'Control' | 'Data') {
  const { PolicyDocument } = byPath(stack, ENDPOINT)[`Endpoints${id}`] as { PolicyDocument: { Statement: unknown[] } };
  expect(PolicyDocument.Statement).toHaveLength(1);
  return PolicyDocument.Statement[0];
}

const poolOf = (stack: Stack, allocatorArn = ALLOCATOR, id = 'Pool') => SandboxPool.fromSandboxPoolAttributes(stack, id, { allocatorArn });

test('callers in a VPC reach allocators and sandboxes through an endpoint each, under their usual names', () => {
  const { stack, vpc } = vpcStack();
  new SandboxVpcEndpoints(stack, 'Endpoints', { vpc });

  const common = {
    VpcId: '<Vpc>', VpcEndpointType: 'Interface', PrivateDnsEnabled: true, SubnetIds: ['<VpcPrivateSubnet1Subnet>', '<VpcPrivateSubnet2Subnet>'],
  };
  expect(byPath(stack, ENDPOINT)).toMatchObject({
    EndpointsControl: { ...common, ServiceName: 'com.amazonaws.us-east-1.lambda' },
    EndpointsData: { ...common, ServiceName: 'com.amazonaws.us-east-1.lambda-microvm' },
  });
  expect(resourcesOf(stack, 'AWS::EC2::SecurityGroup').map(({ Properties }) => Properties.SecurityGroupIngress)).toEqual([0, 1].map(() =>
    [expect.objectContaining({ FromPort: 443, ToPort: 443, CidrIp: { 'Fn::GetAtt': [expect.stringMatching(/^Vpc/), 'CidrBlock'] } })]));
});

test('only microVMs of this account are connected to', () => {
  const { stack, vpc } = vpcStack();
  new SandboxVpcEndpoints(stack, 'Endpoints', { vpc });

  expect(statementOf(stack, 'Data')).toEqual({
    Effect: 'Allow',
    Principal: { AWS: '*' },
    Action: 'lambda:ConnectMicrovm',
    Resource: '*',
    Condition: { StringEquals: { 'aws:ResourceAccount': ACCOUNT } },
  });
});

test('any function of this account may be invoked, and nothing else be done', () => {
  const { stack, vpc } = vpcStack();
  new SandboxVpcEndpoints(stack, 'Endpoints', { vpc });

  expect(statementOf(stack, 'Control')).toEqual({
    Effect: 'Allow', Principal: { AWS: '*' }, Action: 'lambda:InvokeFunction', Resource: `${LAMBDA_ARN}:function:*`,
  });
});

test('with pools, only their allocators may be invoked', () => {
  const { stack, vpc } = vpcStack();
  const other = `${LAMBDA_ARN}:function:other`;
  new SandboxVpcEndpoints(stack, 'Endpoints', { vpc, pools: [poolOf(stack), poolOf(stack, other, 'Other')] });

  expect(statementOf(stack, 'Control')).toMatchObject({ Action: 'lambda:InvokeFunction', Resource: [ALLOCATOR, other] });
});

test('subnets and security groups of the user are taken as they are', () => {
  const { stack, vpc } = vpcStack();
  const mine = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Mine', 'sg-12345678');
  const raw = new ec2.CfnSecurityGroup(stack, 'Raw', { groupDescription: 'raw', vpcId: vpc.vpcId });
  new SandboxVpcEndpoints(stack, 'Endpoints', { vpc, subnets: { subnetType: ec2.SubnetType.PUBLIC }, securityGroups: [mine, raw] });

  expect(countOf(stack, 'AWS::EC2::SecurityGroup')).toBe(1);
  expect(countOf(stack, 'AWS::EC2::SecurityGroupIngress')).toBe(0);
  for (const endpoint of Object.values(byPath(stack, ENDPOINT))) {
    expect(endpoint).toMatchObject({
      SecurityGroupIds: ['sg-12345678', '<Raw>'], SubnetIds: ['<VpcPublicSubnet1Subnet>', '<VpcPublicSubnet2Subnet>'],
    });
  }
});

test('a caller elsewhere is let in to both by naming the endpoints', () => {
  const { stack, vpc } = vpcStack();
  const endpoints = new SandboxVpcEndpoints(stack, 'Endpoints', { vpc });
  endpoints.connections.allowDefaultPortFrom(ec2.Peer.ipv4('192.168.0.0/16'));

  for (const { Properties } of resourcesOf(stack, 'AWS::EC2::SecurityGroup')) {
    expect(Properties.SecurityGroupIngress).toContainEqual(expect.objectContaining({ CidrIp: '192.168.0.0/16', FromPort: 443, ToPort: 443 }));
  }
});

test('a stack that learns its Region when it is deployed names the services of that Region', () => {
  const stack = new Stack(new App(), 'Stack');
  new SandboxVpcEndpoints(stack, 'Endpoints', { vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 0 }) });

  expect(byPath(stack, ENDPOINT)).toMatchObject({
    EndpointsControl: { ServiceName: 'com.amazonaws.<AWS::Region>.lambda' },
    EndpointsData: { ServiceName: 'com.amazonaws.<AWS::Region>.lambda-microvm' },
  });
  expect(statementOf(stack, 'Data')).toMatchObject({ Condition: { StringEquals: { 'aws:ResourceAccount': '<AWS::AccountId>' } } });
});

test('a pool that is known at deployment is taken as it is', () => {
  const { stack, vpc } = vpcStack();
  new SandboxVpcEndpoints(stack, 'Endpoints', { vpc, pools: [poolOf(stack, Fn.importValue('Allocator'))] });

  expect(statementOf(stack, 'Control')).toMatchObject({ Resource: { 'Fn::ImportValue': 'Allocator' } });
});

test('property injection reaches the endpoints', () => {
  const { stack, vpc } = vpcStack();
  PropertyInjectors.of(stack).add({
    constructUniqueId: SandboxVpcEndpoints.PROPERTY_INJECTION_ID,
    inject: (props) => ({ ...props, subnets: { subnetType: ec2.SubnetType.PUBLIC } }),
  });
  new SandboxVpcEndpoints(stack, 'Endpoints', { vpc });

  expect(byPath(stack, ENDPOINT)).toMatchObject({
    EndpointsData: { SubnetIds: ['<VpcPublicSubnet1Subnet>', '<VpcPublicSubnet2Subnet>'] },
  });
});

test('fails on no pools', () => {
  const { stack, vpc } = vpcStack();
  expect(() => new SandboxVpcEndpoints(stack, 'Endpoints', { vpc, pools: [] }))
    .toThrow('pools: got none, allowed are 1 or more; leave it out to allow any function of this account [at Stack/Endpoints]');
});

test('fails on no security groups', () => {
  const { stack, vpc } = vpcStack();
  expect(() => new SandboxVpcEndpoints(stack, 'Endpoints', { vpc, securityGroups: [] }))
    .toThrow('securityGroups: got none, allowed are 1 or more; leave it out to get new ones');
});

test('fails on a VPC and on a pool of another Region', () => {
  const app = new App();
  const { vpc, stack: far } = vpcStack(app);
  const stack = new Stack(app, 'Near', { env: { region: 'eu-west-1', account: ACCOUNT } });
  expect(() => new SandboxVpcEndpoints(stack, 'Endpoints', { vpc })).toThrow(
    `vpc: is in us-east-1 of account ${ACCOUNT}, the stack in eu-west-1 of account ${ACCOUNT}; use vpc of the stack's own account and Region`,
  );
  expect(() => new SandboxVpcEndpoints(far, 'Endpoints', { vpc, pools: [poolOf(far, ALLOCATOR.replace('us-east-1', 'eu-west-1'))] }))
    .toThrow(`pools: is in eu-west-1 of account ${ACCOUNT}`);
});
