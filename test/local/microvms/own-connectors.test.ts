import { CreateMicrovmImageCommand, RunMicrovmCommand, UpdateMicrovmImageCommand } from '@aws-sdk/client-lambda-microvms';
import { COUNTER } from './guests';
import { ACCOUNT, BASE_IMAGE, MicrovmCloud, REGION, ROLE } from './microvm-cloud';

const own = (id: string) => `arn:aws:lambda:${REGION}:${ACCOUNT}:network-connector:${id}`;
const STATES: Readonly<Record<string, string>> = {
  [own('nc-active')]: 'ACTIVE', [own('nc-active:1')]: 'ACTIVE', [own('nc-pending')]: 'PENDING', [own('nc-failed')]: 'FAILED', [own('nc-deleting')]: 'DELETING',
};

let cloud: MicrovmCloud;
let imageIdentifier: string;
beforeAll(async () => {
  cloud = await new MicrovmCloud('processes', undefined, { connectors: { stateOf: (arn) => STATES[arn] } }).open();
  imageIdentifier = await cloud.createImage('connected', COUNTER);
});
afterAll(() => cloud.close());

const input = { baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/connected.zip' } };

test.each(['nc-active', 'nc-active:1'])('takes the account\'s own %s', async (id) => {
  const run = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier, egressNetworkConnectors: [own(id)] }));
  expect(run.egressNetworkConnectors).toEqual([own(id)]);
  const told = () => cloud.warnings.filter((warning) => warning.includes(`${own(id)}:`));
  expect(told()).toEqual([expect.stringContaining('microVMs have this machine\'s own network here, and its subnets')]);
  await cloud.client.send(new RunMicrovmCommand({ imageIdentifier, egressNetworkConnectors: [own(id)] }));
  expect(told()).toHaveLength(1);
});

const CASES: [string, string][] = [
  [own('nc-none'), `Network connector not found: ${own('nc-none')}`],
  [own('nc-active:2'), `Network connector not found: ${own('nc-active:2')}`],
  [own('nc-pending'), `Network connector ${own('nc-pending')} is not in the ACTIVE state. Current state: PENDING`],
  [own('nc-failed'), `Network connector ${own('nc-failed')} is not in the ACTIVE state. Current state: FAILED`],
  [own('nc-deleting'), `Network connector ${own('nc-deleting')} is not in the ACTIVE state. Current state: DELETING`],
  [own('nc-active').replace(ACCOUNT, '111122223333'), `Invalid network connector ARN: ${own('nc-active').replace(ACCOUNT, '111122223333')}`],
  ['nc-active', 'Invalid network connector ARN: nc-active'],
];

test.each(CASES)('fails with %s, to run and to build', async (arn, message) => {
  const refused = { name: 'ValidationException', message };
  const egressNetworkConnectors = [arn];
  const run = new RunMicrovmCommand({ imageIdentifier, egressNetworkConnectors });
  await expect(cloud.client.send(run)).rejects.toMatchObject(refused);
  const create = new CreateMicrovmImageCommand({ ...input, name: 'other', egressNetworkConnectors });
  await expect(cloud.client.send(create)).rejects.toMatchObject(refused);
  const update = new UpdateMicrovmImageCommand({ ...input, imageIdentifier, egressNetworkConnectors });
  await expect(cloud.client.send(update)).rejects.toMatchObject(refused);
});
