import { LocalClock } from '../../../local/src/clock';
import { Subnets, zoneIdOf, zoneNameOf } from '../../../local/src/services/ec2/subnets';
import { ConnectorService } from '../../../local/src/services/network-connectors/connector-service';
import { NetworkConnectors } from '../../../local/src/services/network-connectors/network-connectors';

const ROLE = 'arn:aws:iam::000000000000:role/Operator';
const ARN = /^arn:aws:lambda:us-east-1:000000000000:network-connector:nc-[0-9a-f-]{36}$/;
const PATH = '/2026-04-04/network-connectors';
const EGRESS = { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'], NetworkProtocol: 'IPv4', AssociatedComputeResourceTypes: ['MicroVm'] };

let clock: LocalClock;
let subnets: Subnets;
let assumable: boolean;
let connectors: NetworkConnectors;
beforeEach(() => {
  clock = new LocalClock();
  subnets = new Subnets();
  assumable = true;
  connectors = newConnectors();
});
afterEach(() => clock.stop());

function newConnectors(): NetworkConnectors {
  const assumes = async (): Promise<boolean> => assumable;
  return new NetworkConnectors({ account: '000000000000', region: 'us-east-1', clock, subnets, assumes, provisioningMs: 20_000 });
}

async function send(method: string, path: string, body: object = {}, query = '') {
  const answer = await new ConnectorService(connectors).handle({
    method, path, query: new URLSearchParams(query), headers: {}, body: Buffer.from(JSON.stringify(body)), accessKeyId: '',
  });
  return { status: answer.status, body: JSON.parse(String(answer.body ?? '{}')) as Record<string, unknown> };
}

const input = (more: object = {}, egress: object = {}) => (
  { Name: 'one', OperatorRole: ROLE, ClientToken: 'token', Configuration: { VpcEgressConfiguration: { ...EGRESS, ...egress } }, ...more }
);

async function active(more: object = {}): Promise<string> {
  const { body } = await send('POST', PATH, input(more));
  await clock.advance({ seconds: 20 });
  return String(body.Arn);
}

test('a connector is PENDING until its interfaces are there, and is found by id, name and ARN', async () => {
  const { status, body } = await send('POST', PATH, input({ Tags: { team: 'a' } }));
  expect(status).toBe(202);
  expect(body).toMatchObject({ State: 'PENDING', StateReason: 'Initial creation', Name: 'one', OperatorRole: ROLE, LatestVersion: 1 });
  expect(body.Arn).toMatch(ARN);
  await clock.advance({ seconds: 20 });
  for (const identifier of [body.Id, 'one', encodeURIComponent(String(body.Arn))]) {
    expect(await send('GET', `${PATH}/${String(identifier)}`)).toMatchObject({
      status: 200, body: { State: 'ACTIVE', Configuration: { VpcEgressConfiguration: EGRESS } },
    });
  }
  expect(connectors.stateOf(String(body.Arn))).toBe('ACTIVE');
});

test('the same client token makes one connector, and a name is taken once', async () => {
  const first = await send('POST', PATH, input());
  expect((await send('POST', PATH, input())).body.Arn).toBe(first.body.Arn);
  expect(await send('POST', PATH, input({ ClientToken: 'other' }))).toMatchObject({ status: 409, body: { Message: 'Network connector already exists: one' } });
});

test('an update makes one more version, and the earlier ones stay as they are', async () => {
  const arn = await active();
  const Configuration = { VpcEgressConfiguration: { ...EGRESS, SecurityGroupIds: ['sg-2'] } };
  expect(await send('PUT', `${PATH}/one`, { Configuration })).toMatchObject({ status: 202, body: { LastUpdateStatus: 'InProgress', LatestVersion: 2, State: 'ACTIVE' } });
  expect((await send('PUT', `${PATH}/one`, { Configuration })).status).toBe(409);
  await clock.advance({ seconds: 20 });
  expect((await send('GET', `${PATH}/one`)).body.LastUpdateStatus).toBe('Successful');
  const first = await send('GET', `${PATH}/${encodeURIComponent(`${arn}:1`)}`);
  expect(first.body.Configuration).toEqual({ VpcEgressConfiguration: EGRESS });
  expect([`${arn}:1`, `${arn}:2`, `${arn}:3`].map((version) => connectors.stateOf(version))).toEqual(['ACTIVE', 'ACTIVE', undefined]);
  expect((await send('DELETE', `${PATH}/${encodeURIComponent(`${arn}:2`)}`)).status).toBe(400);
  expect((await send('DELETE', `${PATH}/${encodeURIComponent(`${arn}:1`)}`)).status).toBe(202);
  expect(connectors.stateOf(`${arn}:1`)).toBeUndefined();
});

test.each([
  [{ NetworkProtocol: 'DualStack' }, 'NetworkProtocol of a network connector cannot be changed'],
  [{ AssociatedComputeResourceTypes: ['WebFunction'] }, 'AssociatedComputeResourceTypes of a network connector cannot be changed'],
])('fails to change %p', async (egress, Message) => {
  await active();
  expect(await send('PUT', `${PATH}/one`, { Configuration: { VpcEgressConfiguration: { ...EGRESS, ...egress } } })).toMatchObject({ status: 400, body: { Message } });
});

test('a deleted connector is DELETING, then it is not there', async () => {
  const arn = await active();
  expect(await send('DELETE', `${PATH}/one`)).toMatchObject({ status: 202, body: { State: 'DELETING' } });
  expect(connectors.stateOf(arn)).toBe('DELETING');
  expect((await send('DELETE', `${PATH}/one`)).status).toBe(202);
  await clock.advance({ seconds: 20 });
  expect(await send('GET', `${PATH}/one`)).toEqual({ status: 404, body: { Type: 'User', Message: 'Network connector not found: one' } });
});

test('an operator role that cannot be assumed fails the connector, with the reason', async () => {
  assumable = false;
  await active();
  expect((await send('GET', `${PATH}/one`)).body).toMatchObject({
    State: 'FAILED', StateReasonCode: 'InsufficientRolePermissions', StateReason: expect.stringContaining(ROLE),
  });
});

const many = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

test.each([
  ['16 subnets', { SubnetIds: many(16, 'subnet') }],
  ['5 groups', { SecurityGroupIds: many(5, 'sg') }],
  ['both protocols', { NetworkProtocol: 'DualStack' }],
])('takes %s', async (_, egress) => {
  expect((await send('POST', PATH, input({}, egress))).status).toBe(202);
});

test.each<[object, object, string]>([
  [{}, { SubnetIds: [] }, 'SubnetIds must have 1 to 16 members, got 0'],
  [{}, { SubnetIds: many(17, 'subnet') }, 'SubnetIds must have 1 to 16 members, got 17'],
  [{}, { SecurityGroupIds: [] }, 'SecurityGroupIds must have 1 to 5 members, got 0'],
  [{}, { SecurityGroupIds: many(6, 'sg') }, 'SecurityGroupIds must have 1 to 5 members, got 6'],
  [{}, { NetworkProtocol: undefined }, 'NetworkProtocol must be IPv4 or DualStack, got \'null\''],
  [{}, { AssociatedComputeResourceTypes: [] }, 'AssociatedComputeResourceTypes must be one of MicroVm, WebFunction, got \'\''],
  [{ OperatorRole: undefined }, {}, 'OperatorRole must be the ARN of a role for VPC egress, got \'null\''],
  [{ ClientToken: undefined }, {}, 'ClientToken must not be null'],
])('fails with %p %p', async (more, egress, Message) => {
  expect(await send('POST', PATH, input(more, egress))).toEqual({ status: 400, body: { Type: 'User', Message } });
});

test('fails in a zone that MicroVMs do not have, and across two VPCs', async () => {
  const put = (id: string, vpcId: string, availabilityZone: string) => (
    subnets.put(id, { vpcId, availabilityZone, availabilityZoneId: zoneIdOf(availabilityZone) })
  );
  put('subnet-a', 'vpc-1', 'us-east-1a');
  put('subnet-e', 'vpc-1', 'us-east-1e');
  put('subnet-b', 'vpc-2', 'us-east-1b');
  const failure = async (...SubnetIds: string[]) => (await send('POST', PATH, input({}, { SubnetIds }))).body.Message;
  expect(await failure('subnet-a', 'subnet-e')).toBe('Availability zone use1-az3 is not available for compute type MicroVm');
  expect(await failure('subnet-a', 'subnet-b')).toBe('All subnets of a network connector must be in the same VPC');
  expect(await failure('subnet-a')).toBeUndefined();
});

test('zones have an id, and the other way round', () => {
  const ids = ['us-east-1a', 'us-east-1c', 'us-east-1e', 'eu-west-1b', 'ap-southeast-2c'].map(zoneIdOf);
  expect(ids).toEqual(['use1-az1', 'use1-az4', 'use1-az3', 'euw1-az2', 'apse2-az3']);
  expect([zoneNameOf('us-east-1', 'use1-az3'), zoneNameOf('us-east-1', 'euw1-az1')]).toEqual(['us-east-1e', undefined]);
});

test('lists come in pages, by state', async () => {
  for (const Name of ['a', 'b', 'c']) await send('POST', PATH, input({ Name, ClientToken: Name }));
  const first = await send('GET', PATH, {}, 'MaxItems=2');
  const second = await send('GET', PATH, {}, `MaxItems=2&Marker=${String(first.body.NextMarker)}`);
  const names = [first, second].map(({ body }) => (body.NetworkConnectors as { Name: string; Type: string }[]).map(({ Name, Type }) => `${Name} ${Type}`));
  expect(names).toEqual([['a VPC_EGRESS', 'b VPC_EGRESS'], ['c VPC_EGRESS']]);
  expect(second.body.NextMarker).toBeNull();
  expect((await send('GET', PATH, {}, 'State=ACTIVE')).body.NetworkConnectors).toEqual([]);
  for (const query of ['MaxItems=0', 'MaxItems=101', 'Marker=x']) expect((await send('GET', PATH, {}, query)).status).toBe(400);
});

test('tags of a connector come and go', async () => {
  const tags = `/2017-03-31/tags/${encodeURIComponent(await active({ Tags: { team: 'a' } }))}`;
  expect(await send('POST', tags, { Tags: { stage: 'test' } })).toMatchObject({ status: 204 });
  expect((await send('GET', tags)).body).toEqual({ Tags: { team: 'a', stage: 'test' } });
  expect(await send('DELETE', tags, {}, 'tagKeys=team')).toMatchObject({ status: 204 });
  expect((await send('GET', tags)).body).toEqual({ Tags: { stage: 'test' } });
});

test('connectors and subnets outlive a restart, and what was under way has come to its end', async () => {
  const kept = await active({ ClientToken: '1' });
  await send('POST', PATH, input({ Name: 'pending', ClientToken: '2' }));
  const gone = await active({ Name: 'gone', ClientToken: '3' });
  await send('POST', PATH, input({ Name: 'late', ClientToken: '4' }));
  await send('DELETE', `${PATH}/gone`);
  subnets.put('subnet-1', { vpcId: 'vpc-1', availabilityZone: 'us-east-1a', availabilityZoneId: 'use1-az1' });
  const saved = JSON.parse(JSON.stringify([connectors.save(), subnets.save()])) as unknown[];
  connectors = newConnectors();
  connectors.restore(saved[0]);
  const restored = new Subnets();
  restored.restore(saved[1]);
  expect(connectors.all().map(({ name, state }) => `${name} ${state}`)).toEqual(['one ACTIVE', 'pending ACTIVE', 'late ACTIVE']);
  expect([connectors.stateOf(kept), connectors.stateOf(gone)]).toEqual(['ACTIVE', undefined]);
  expect(restored.find('subnet-1')?.vpcId).toBe('vpc-1');
});
