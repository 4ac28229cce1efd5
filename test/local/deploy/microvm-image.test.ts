import {
  GetMicrovmImageVersionCommand, LambdaMicrovmsClient, ListMicrovmImageVersionsCommand, ListTagsCommand,
  RunMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import type { Stack } from 'aws-cdk-lib';
import { CfnOutput, CfnResource, Fn } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { CloudEvent, LocalCloud } from 'microvm-sandbox-local';
import { startLocalCloud } from 'microvm-sandbox-local';
import { removeAssemblies, synthesize } from './synthesized';
import { ImageContext } from '../microvms/image-context';
import { NOTHING_LEFT } from '../nothing-left';

const SLEEPER = 'FROM public.ecr.aws/lambda/microvms:al2023-minimal\nCMD ["sleep", "600"]\n';

let cloud: LocalCloud;
let client: LambdaMicrovmsClient;
let context: ImageContext;
const events: CloudEvent[] = [];

beforeAll(async () => {
  cloud = await startLocalCloud({ isolation: 'processes', timeScale: 0, onEvent: (event) => events.push(event) });
  const { AWS_REGION: region, ...keys } = cloud.environment;
  const credentials = { accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY };
  client = new LambdaMicrovmsClient({ endpoint: cloud.endpoint, region, credentials });
  context = new ImageContext();
  context.write({ Dockerfile: SLEEPER });
});
beforeEach(() => {
  events.length = 0;
  cloud.faults.clear();
});
afterEach(async () => {
  for (const name of cloud.inventory().stacks) await cloud.destroy(name);
});
afterAll(async () => {
  client.destroy();
  await cloud.stop();
  context.remove();
  removeAssemblies();
});

/** Every property that the type wants, and what is given instead. */
function image(more: Record<string, unknown> = {}) {
  return (scope: Stack): void => {
    const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const artifact = new Asset(scope, 'Artifact', { path: context.path });
    const made = new CfnResource(scope, 'Image', {
      type: 'AWS::Lambda::MicrovmImage',
      properties: {
        Name: 'native',
        BaseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1',
        BaseImageVersion: '1',
        BuildRoleArn: role.roleArn,
        CodeArtifact: { Uri: artifact.s3ObjectUrl },
        CpuConfigurations: [{ Architecture: 'ARM_64' }],
        Description: '',
        EgressNetworkConnectors: [],
        EnvironmentVariables: [{ Key: 'A', Value: 'b' }],
        Hooks: {},
        Logging: {},
        Resources: [{ MinimumMemoryInMiB: '512' }],
        AdditionalOsCapabilities: [],
        ...more,
      },
    });
    for (const name of ['ImageArn', 'State', 'LatestActiveImageVersion', 'LatestFailedImageVersion', 'CreatedAt', 'UpdatedAt']) {
      new CfnOutput(scope, name, { value: Fn.join('', ['=', made.getAtt(name).toString()]) });
    }
    new CfnOutput(scope, 'Ref', { value: made.ref });
  };
}

async function deploy(more?: Record<string, unknown>): Promise<Record<string, string>> {
  const [{ outputs }] = await cloud.deploy(synthesize(image(more)));
  return outputs;
}

const version = (imageIdentifier: string, imageVersion = '1.0') => (
  client.send(new GetMicrovmImageVersionCommand({ imageIdentifier, imageVersion }))
);
const versions = async (imageIdentifier: string) => {
  const { items = [] } = await client.send(new ListMicrovmImageVersionsCommand({ imageIdentifier }));
  return items.length;
};

const ARN = 'arn:aws:lambda:us-east-1:000000000000:microvm-image:native';

test('builds an image, tells of it, and deletes it', async () => {
  const outputs = await deploy({ Logging: { Disabled: true }, Tags: [{ Key: 'team', Value: 'a' }] });
  expect(outputs).toEqual({
    Ref: ARN,
    ImageArn: `=${ARN}`,
    State: '=CREATED',
    LatestActiveImageVersion: '=1.0',
    LatestFailedImageVersion: '=',
    CreatedAt: expect.stringMatching(/^=\d{4}-\d\d-\d\dT/),
    UpdatedAt: expect.stringMatching(/^=\d{4}-\d\d-\d\dT/),
  });
  expect(await version(ARN)).toMatchObject({
    environmentVariables: { A: 'b' }, resources: [{ minimumMemoryInMiB: 512 }], logging: { disabled: {} }, baseImageVersion: '1.0', status: 'ACTIVE',
  });
  expect((await client.send(new ListTagsCommand({ Resource: ARN }))).Tags).toEqual({ team: 'a' });
  expect((await client.send(new RunMicrovmCommand({ imageIdentifier: ARN, maximumDurationInSeconds: 1 }))).state).toBe('PENDING');
  await cloud.clock.advance({ minutes: 2 });
  await cloud.destroy('Test');
  expect(cloud.inventory()).toEqual(NOTHING_LEFT);
});

test('an update replaces every member with a new version; tags alone do not build', async () => {
  await deploy({ Tags: [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }] });
  const tagged = await deploy({ Tags: [{ Key: 'b', Value: '3' }] });
  expect(tagged).toMatchObject({ Ref: ARN, LatestActiveImageVersion: '=1.0', State: '=CREATED' });
  expect((await client.send(new ListTagsCommand({ Resource: ARN }))).Tags).toEqual({ b: '3' });
  const Hooks = { Port: '9000', MicrovmHooks: { Run: 'DISABLED', RunTimeoutInSeconds: '5' }, MicrovmImageHooks: {} };
  expect(await deploy({ EnvironmentVariables: [], Hooks })).toMatchObject({ Ref: ARN, LatestActiveImageVersion: '=2.0', State: '=UPDATED' });
  expect(await version(ARN, '2.0')).toMatchObject({ environmentVariables: {}, hooks: { port: 9000, microvmHooks: { runTimeoutInSeconds: 5 } } });
});

test('another name takes another image', async () => {
  await deploy();
  expect((await deploy({ Name: 'second' })).Ref).toBe(`${ARN.replace('native', 'second')}`);
  expect(cloud.inventory().images).toEqual(['second']);
});

const reasons = () => events.flatMap((event) => (
  event.kind === 'resource' && event.logicalId === 'Image' && event.status.endsWith('FAILED') ? event.reason ?? '' : []
));

test('fails without a reason when the build fails, and leaves nothing', async () => {
  cloud.faults.failBuild({ reason: 'The container image build failed.', log: ['#5 ERROR: no space'] });
  await expect(deploy()).rejects.toThrow('HandlerErrorCode: NotStabilized');
  expect(reasons()).toEqual([expect.stringMatching(/^Resource handler returned message: "null" \(RequestToken: [0-9a-f-]{36}, HandlerErrorCode: NotStabilized\)$/)]);
  expect(cloud.inventory().images).toEqual([]);
});

test('fails an update whose build fails, and goes back by building once more', async () => {
  await deploy();
  cloud.faults.failBuild({ reason: 'The container image build failed.' });
  await expect(deploy({ Description: 'changed' })).rejects.toThrow('NotStabilized');
  expect(await versions(ARN)).toBe(3);
});

test('fails for a name that is taken, and for what the service refuses', async () => {
  await deploy();
  await expect(cloud.deploy(synthesize(image(), 'Other'))).rejects.toThrow('"null already exists."');
  await expect(deploy({ Resources: [{ MinimumMemoryInMiB: 500 }] })).rejects.toThrow(/The requested memory size of 500 MiB is not supported.*HandlerErrorCode: InvalidRequest/);
});

test('fails for properties that the type wants or does not have', async () => {
  await expect(deploy({ Description: undefined, Hooks: undefined })).rejects.toThrow(
    'Properties validation failed for resource Image with message:\n[#: required key [Description] not found, #: required key [Hooks] not found]',
  );
  await expect(deploy({ BaseImage: 'x' })).rejects.toThrow('[#: extraneous key [BaseImage] is not permitted]');
});

test('fails to delete an image with microVMs, until they are gone', async () => {
  await deploy();
  await client.send(new RunMicrovmCommand({ imageIdentifier: ARN, maximumDurationInSeconds: 3600 }));
  await expect(cloud.destroy('Test')).rejects.toThrow('Cannot delete microvm image with running microvms.');
  await cloud.clock.advance({ hours: 1, minutes: 1 });
  await cloud.destroy('Test');
  expect(cloud.inventory().images).toEqual([]);
});
