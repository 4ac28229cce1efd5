import { StackCloud } from './stack-cloud';
import type { StackRecord } from '../../../local/src/deploy/stack-engine';
import { startTestCloud } from '../test-cloud';

let stacks: StackCloud;
beforeAll(async () => {
  stacks = new StackCloud(await startTestCloud());
});
beforeEach(() => {
  stacks.cloud.events.length = 0;
});
afterEach(() => stacks.deleteAll());
afterAll(() => stacks.cloud.stop());

const at = (name: string, ...attribute: string[]) => (attribute.length > 0 ? { 'Fn::GetAtt': [name, ...attribute] } : { Ref: name });
const outputs = ({ outputs: found }: StackRecord) => Object.fromEntries(found.map(({ key, value }) => [key, value]));
const warnings = () => stacks.cloud.events.filter(({ kind }) => kind === 'warning');
const Outputs = (values: object) => (
  { Outputs: Object.fromEntries(Object.entries(values).map(([key, Value]) => [key, { Value }])) }
);

async function deploy(resources: Record<string, object>, values: object): Promise<Record<string, string>> {
  const stack = await stacks.create('Test', resources, Outputs(values));
  expect(stack.statusReason).toBeUndefined();
  expect(stack.status).toBe('CREATE_COMPLETE');
  expect(warnings()).toEqual([]);
  return outputs(stack);
}

const ACCOUNT = '000000000000';
const vpc = { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } };
const subnet = (properties: object) => ({ Type: 'AWS::EC2::Subnet', Properties: { VpcId: at('Vpc'), CidrBlock: '10.0.0.0/24', ...properties } });

test('subnets lie in the zone that is asked for, by name or by id', async () => {
  const found = await deploy(
    { Vpc: vpc, A: subnet({ AvailabilityZone: 'us-east-1b' }), B: subnet({ AvailabilityZoneId: 'use1-az3' }), C: subnet({}) },
    { A: at('A', 'AvailabilityZoneId'), B: at('B', 'AvailabilityZone'), C: at('C', 'AvailabilityZone'), Id: at('A') },
  );
  expect(found).toMatchObject({ A: 'use1-az2', B: 'us-east-1e', C: 'us-east-1a', Id: expect.stringMatching(/^subnet-[0-9a-f]{17}$/) });
  const { subnets } = stacks.cloud.services;
  expect(subnets.find(found.Id)).toMatchObject({ availabilityZone: 'us-east-1b' });
  await stacks.delete('Test');
  expect(subnets.find(found.Id)).toBeUndefined();
});

test('fails for a zone that the Region does not have', async () => {
  const stack = await stacks.create('Test', { Vpc: vpc, A: subnet({ AvailabilityZoneId: 'euw1-az1' }) });
  expect(stack.events.map(({ reason }) => reason)).toContain('Value (euw1-az1) for parameter availabilityZoneId is invalid. There is no such zone in us-east-1.');
});

test('a VPC with all that belongs to it', async () => {
  const found = await deploy({
    Vpc: vpc,
    Subnet: subnet({}),
    Table: { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: at('Vpc') } },
    Association: { Type: 'AWS::EC2::SubnetRouteTableAssociation', Properties: { SubnetId: at('Subnet'), RouteTableId: at('Table') } },
    Gateway: { Type: 'AWS::EC2::InternetGateway' },
    Attachment: { Type: 'AWS::EC2::VPCGatewayAttachment', Properties: { VpcId: at('Vpc'), InternetGatewayId: at('Gateway') } },
    Route: { Type: 'AWS::EC2::Route', Properties: { RouteTableId: at('Table'), DestinationCidrBlock: '0.0.0.0/0', GatewayId: at('Gateway') } },
    Ip: { Type: 'AWS::EC2::EIP' },
    Nat: { Type: 'AWS::EC2::NatGateway', Properties: { SubnetId: at('Subnet'), AllocationId: at('Ip', 'AllocationId') } },
    Group: { Type: 'AWS::EC2::SecurityGroup', Properties: { VpcId: at('Vpc') } },
    In: { Type: 'AWS::EC2::SecurityGroupIngress', Properties: { GroupId: at('Group', 'GroupId') } },
    Out: { Type: 'AWS::EC2::SecurityGroupEgress', Properties: { GroupId: at('Group', 'GroupId') } },
    Log: { Type: 'AWS::EC2::FlowLog', Properties: { ResourceId: at('Vpc') } },
    Endpoint: {
      Type: 'AWS::EC2::VPCEndpoint',
      Properties: { VpcId: at('Vpc'), VpcEndpointType: 'Interface', ServiceName: 'com.amazonaws.us-east-1.lambda-microvm', SubnetIds: [at('Subnet')] },
    },
  }, {
    Ip: at('Ip'),
    Allocation: at('Ip', 'AllocationId'),
    Nat: at('Nat', 'NatGatewayId'),
    Log: at('Log'),
    Endpoint: at('Endpoint'),
    Dns: { 'Fn::Select': ['0', at('Endpoint', 'DnsEntries')] },
    Eni: { 'Fn::Select': ['0', at('Endpoint', 'NetworkInterfaceIds')] },
  });
  expect(found).toEqual({
    Ip: expect.stringMatching(/^192\.0\.2\.\d+$/),
    Allocation: expect.stringMatching(/^eipalloc-[0-9a-f]{17}$/),
    Nat: expect.stringMatching(/^nat-[0-9a-f]{17}$/),
    Log: expect.stringMatching(/^fl-[0-9a-f]{17}$/),
    Endpoint: expect.stringMatching(/^vpce-[0-9a-f]{17}$/),
    Dns: expect.stringMatching(/^Z\w+:vpce-[0-9a-f]{17}-\w+\.lambda-microvm\.us-east-1\.vpce\.amazonaws\.com$/),
    Eni: expect.stringMatching(/^eni-[0-9a-f]{17}$/),
  });
});

test('firewalls: endpoints by zone, in another order than the subnets; lists and groups of the resolver', async () => {
  const found = await deploy({
    Vpc: vpc,
    A: subnet({ AvailabilityZone: 'us-east-1a' }),
    B: subnet({ AvailabilityZone: 'us-east-1b' }),
    Rules: { Type: 'AWS::NetworkFirewall::RuleGroup', Properties: { RuleGroupName: 'rules', Type: 'STATEFUL', Capacity: 100 } },
    Policy: { Type: 'AWS::NetworkFirewall::FirewallPolicy', Properties: { FirewallPolicyName: 'policy', FirewallPolicy: {} } },
    Wall: {
      Type: 'AWS::NetworkFirewall::Firewall',
      Properties: {
        FirewallName: 'wall', FirewallPolicyArn: at('Policy'), VpcId: at('Vpc'), SubnetMappings: [{ SubnetId: at('A') }, { SubnetId: at('B') }],
      },
    },
    Logging: { Type: 'AWS::NetworkFirewall::LoggingConfiguration', Properties: { FirewallArn: at('Wall') } },
    List: { Type: 'AWS::Route53Resolver::FirewallDomainList', Properties: { Domains: ['a.example', 'b.example'] } },
    Group: { Type: 'AWS::Route53Resolver::FirewallRuleGroup', Properties: { FirewallRules: [{ Action: 'ALLOW' }] } },
    Association: { Type: 'AWS::Route53Resolver::FirewallRuleGroupAssociation', Properties: { VpcId: at('Vpc'), FirewallRuleGroupId: at('Group') } },
  }, {
    Rules: at('Rules'),
    Policy: at('Policy', 'FirewallPolicyArn'),
    Wall: at('Wall', 'FirewallArn'),
    Logging: at('Logging'),
    Endpoints: { 'Fn::Join': [' ', at('Wall', 'EndpointIds')] },
    Domains: at('List', 'DomainCount'),
    List: at('List', 'Arn'),
    RuleCount: at('Group', 'RuleCount'),
    Group: at('Group', 'Id'),
    Association: at('Association', 'Id'),
  });
  const arn = (kind: string) => `arn:aws:network-firewall:us-east-1:${ACCOUNT}:${kind}`;
  expect(found).toEqual({
    Rules: arn('stateful-rulegroup/rules'),
    Policy: arn('firewall-policy/policy'),
    Wall: arn('firewall/wall'),
    Logging: arn('firewall/wall'),
    Endpoints: expect.stringMatching(/^us-east-1b:vpce-[0-9a-f]{17} us-east-1a:vpce-[0-9a-f]{17}$/),
    Domains: '2',
    List: expect.stringMatching(/^arn:aws:route53resolver:us-east-1:000000000000:firewall-domain-list\/rslvr-fdl-[0-9a-f]{17}$/),
    RuleCount: '1',
    Group: expect.stringMatching(/^rslvr-frg-[0-9a-f]{17}$/),
    Association: expect.stringMatching(/^rslvr-frgassoc-[0-9a-f]{17}$/),
  });
});

test('keys, queues, topics, alarms and dashboards', async () => {
  const found = await deploy({
    Key: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: {} } },
    Alias: { Type: 'AWS::KMS::Alias', Properties: { AliasName: 'alias/own', TargetKeyId: at('Key') } },
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'letters' } },
    QueuePolicy: { Type: 'AWS::SQS::QueuePolicy', Properties: { Queues: [at('Queue')], PolicyDocument: {} } },
    Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'news' } },
    TopicPolicy: { Type: 'AWS::SNS::TopicPolicy', Properties: { Topics: [at('Topic')], PolicyDocument: {} } },
    Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: { AlarmName: 'loud' } },
    Board: { Type: 'AWS::CloudWatch::Dashboard', Properties: { DashboardBody: '{}' } },
  }, {
    Alias: at('Alias'),
    Url: at('Queue'),
    Queue: at('Queue', 'Arn'),
    Name: at('Queue', 'QueueName'),
    Topic: at('Topic'),
    TopicName: at('Topic', 'TopicName'),
    Alarm: at('Alarm', 'Arn'),
    Board: at('Board'),
    Key: at('Key', 'Arn'),
  });
  expect(found).toEqual({
    Alias: 'alias/own',
    Url: `https://sqs.us-east-1.amazonaws.com/${ACCOUNT}/letters`,
    Queue: `arn:aws:sqs:us-east-1:${ACCOUNT}:letters`,
    Name: 'letters',
    Topic: `arn:aws:sns:us-east-1:${ACCOUNT}:news`,
    TopicName: 'news',
    Alarm: `arn:aws:cloudwatch:us-east-1:${ACCOUNT}:alarm:loud`,
    Board: expect.stringMatching(/^Test-Board-/),
    Key: expect.stringMatching(/^arn:aws:kms:us-east-1:000000000000:key\/[0-9a-f-]{36}$/),
  });
});

test('another name takes another queue, anything else does not', async () => {
  const queue = (properties: object) => ({ Queue: { Type: 'AWS::SQS::Queue', Properties: properties } });
  const values = Outputs({ Url: at('Queue') });
  await stacks.create('Test', queue({ QueueName: 'one' }), values);
  expect(outputs(await stacks.update('Test', queue({ QueueName: 'one', KmsMasterKeyId: 'x' }), values)).Url).toMatch(/\/one$/);
  expect(outputs(await stacks.update('Test', queue({ QueueName: 'two' }), values)).Url).toMatch(/\/two$/);
});

describe('a network connector', () => {
  const role = { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } };
  const connector = (egress: object = {}, properties: object = {}) => ({
    Type: 'AWS::Lambda::NetworkConnector',
    Properties: {
      OperatorRole: at('Role', 'Arn'),
      Configuration: {
        VpcEgressConfiguration: {
          SubnetIds: [at('A')], SecurityGroupIds: ['sg-1'], NetworkProtocol: 'IPv4', AssociatedComputeResourceTypes: ['MicroVm'], ...egress,
        },
      },
      ...properties,
    },
  });
  const values = { Arn: at('Connector'), Version: at('Connector', 'LatestVersionArn'), State: at('Connector', 'State') };
  const around = (Connector: object, zone = 'use1-az1') => ({ Vpc: vpc, Role: role, A: subnet({ AvailabilityZoneId: zone }), Connector });
  const reasons = ({ events }: StackRecord) => events.filter(({ logicalId }) => logicalId === 'Connector').map(({ reason }) => reason).join(' ');

  test('is made, gets one more version by an update, none by tags, and goes with its stack', async () => {
    const { connectors } = stacks.cloud.services;
    const { Arn, Version, State } = await deploy(around(connector({}, { Tags: [{ Key: 'a', Value: 'b' }] })), values);
    expect({ Version, State, state: connectors.stateOf(Arn) }).toEqual({ Version: `${Arn}:1`, State: 'ACTIVE', state: 'ACTIVE' });
    const tagged = await stacks.update('Test', around(connector({}, { Tags: [{ Key: 'a', Value: 'c' }] })), Outputs(values));
    expect(outputs(tagged)).toMatchObject({ Arn, Version: `${Arn}:1` });
    expect(connectors.find(Arn).record.tags).toEqual({ a: 'c' });
    const changed = await stacks.update('Test', around(connector({ SecurityGroupIds: ['sg-2'] })), Outputs(values));
    expect(outputs(changed)).toMatchObject({ Arn, Version: `${Arn}:2` });
    await stacks.delete('Test');
    expect(connectors.all()).toEqual([]);
  });

  test.each([
    ['in a zone without MicroVMs', around(connector(), 'use1-az3'), 'Availability zone use1-az3 is not available for compute type MicroVm'],
    ['without a role', around(connector({}, { OperatorRole: undefined })), 'OperatorRole must be the ARN of a role'],
    ['without a protocol', around(connector({ NetworkProtocol: undefined })), 'NetworkProtocol must be IPv4 or DualStack'],
    ['without groups', around(connector({ SecurityGroupIds: [] })), 'SecurityGroupIds must have 1 to 5 members, got 0'],
  ])('fails %s, and leaves nothing', async (_, resources, reason) => {
    const stack = await stacks.create('Test', resources);
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(stack)).toContain(`Resource handler returned message: "${reason}`);
    expect(stacks.cloud.services.connectors.all()).toEqual([]);
  });

  test('fails to become another protocol\'s', async () => {
    await stacks.create('Test', around(connector()));
    const stack = await stacks.update('Test', around(connector({ NetworkProtocol: 'DualStack' })));
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasons(stack)).toContain('NetworkProtocol of a network connector cannot be changed');
  });
});

test('mappings are looked up, by the Region, too', async () => {
  const Mappings = { Zones: { 'us-east-1': { ids: ['use1-az1', 'use1-az2'], name: 'N. Virginia' } } };
  const look = (key: string) => ({ 'Fn::FindInMap': ['Zones', { Ref: 'AWS::Region' }, key] });
  const resources = { Vpc: vpc, A: subnet({ AvailabilityZoneId: { 'Fn::Select': [1, look('ids')] } }) };
  const stack = await stacks.create('Test', resources, { Mappings, ...Outputs({ A: at('A', 'AvailabilityZone'), Name: look('name') }) });
  expect(outputs(stack)).toEqual({ A: 'us-east-1b', Name: 'N. Virginia' });
});
