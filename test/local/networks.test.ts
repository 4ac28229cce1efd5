import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaMicrovmsClient, ListManagedMicrovmImageVersionsCommand, RunMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import type { Stack } from 'aws-cdk-lib';
import { CfnOutput } from 'aws-cdk-lib';
import { IpAddresses, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { NetworkConnector, NetworkConnectorComputeType, NetworkConnectorConfiguration } from 'aws-cdk-lib/aws-lambda';
import type { LocalCloud } from 'microvm-sandbox-local';
import { startLocalCloud } from 'microvm-sandbox-local';
import { removeAssemblies, synthesize } from './deploy/synthesized';

const BASE_IMAGE = 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1';
const IMAGE = 'arn:aws:lambda:us-east-1:000000000000:microvm-image:none';

const state = mkdtempSync(join(tmpdir(), 'networks-test-'));
let cloud: LocalCloud;
let client: LambdaMicrovmsClient;

async function start(): Promise<void> {
  cloud = await startLocalCloud({ isolation: 'processes', timeScale: 0, state });
  const { AWS_REGION: region, ...keys } = cloud.environment;
  const credentials = { accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY };
  client = new LambdaMicrovmsClient({ endpoint: cloud.endpoint, region, credentials });
}

async function stop(): Promise<void> {
  client.destroy();
  await cloud.stop();
}

beforeAll(start);
afterAll(async () => {
  await stop();
  removeAssemblies();
  rmSync(state, { recursive: true });
});

function network(scope: Stack): void {
  const vpc = new Vpc(scope, 'Vpc', {
    ipAddresses: IpAddresses.cidr('10.0.0.0/16'), maxAzs: 3, subnetConfiguration: [{ name: 'own', subnetType: SubnetType.PRIVATE_ISOLATED }],
  });
  const group = new SecurityGroup(scope, 'Group', { vpc, allowAllOutbound: false });
  const connector = new NetworkConnector(scope, 'Connector', {
    configuration: NetworkConnectorConfiguration.vpcEgress({
      computeType: NetworkConnectorComputeType.MICRO_VM,
      vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [group],
    }),
  });
  new CfnOutput(scope, 'Arn', { value: connector.networkConnectorArn });
}

const refusal = (egress: string) => {
  const run = new RunMicrovmCommand({ imageIdentifier: IMAGE, egressNetworkConnectors: [egress] });
  return client.send(run).catch((error: Error) => error.message);
};

test('the connector of a stack can be used until the stack is deleted; it and the base images outlive a restart', async () => {
  const [{ outputs: { Arn } }] = await cloud.deploy(synthesize(network));
  // The image is what is missing, not the connector.
  expect(await refusal(Arn)).toMatch('No active version found for MicroVM image');
  cloud.baseImages.publish('2');
  cloud.baseImages.setStatus('1', 'DEPRECATED');
  await stop();
  await start();
  expect(await refusal(Arn)).toMatch('No active version found for MicroVM image');
  const { items = [] } = await client.send(new ListManagedMicrovmImageVersionsCommand({ imageIdentifier: BASE_IMAGE }));
  expect(items.map(({ imageVersion, status }) => `${imageVersion} ${status}`)).toEqual(['2 AVAILABLE', '1 DEPRECATED', '0 AVAILABLE']);
  await cloud.destroy('Test');
  expect(await refusal(Arn)).toBe(`Network connector not found: ${Arn}`);
});
