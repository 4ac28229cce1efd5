import { ARN, FakeArtifacts, FakeImages } from './fake-images';
import { TestClock } from './test-clock';
import { completeImage } from '../../lambda/image-builder/is-complete';
import { startImage } from '../../lambda/image-builder/on-event';

export const PROPERTIES = {
  ServiceToken: 'arn:aws:lambda:us-east-1:123456789012:function:provider',
  ImageName: 'agent',
  Description: 'For agents',
  BaseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1',
  BaseImageVersion: '1',
  BuildRoleArn: 'arn:aws:iam::123456789012:role/build',
  SourceBucket: 'assets',
  SourceKey: 'source.zip',
  ArtifactBucket: 'artifacts',
  ArtifactKey: 'agent/0123.zip',
  MemoryMib: '2048',
  EgressConnectorArns: ['arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:INTERNET_EGRESS'],
  LogGroupName: '/aws/lambda-microvms/agent',
  Environment: { MODE: 'agent' },
  Hooks: { Port: '9000', Ready: '300', Run: '10' },
};

/** As the Provider framework hands it over: anything may be in it. */
export const event = (change: object = {}): any => ({
  RequestType: 'Create',
  RequestId: 'request-1',
  StackId: 'stack-1',
  LogicalResourceId: 'Image',
  ResponseURL: 'https://s3/?secret-signature',
  ResourceProperties: PROPERTIES,
  ...change,
});
export const update = (change: object = {}, requestId = 'request-2') => event({
  RequestType: 'Update', RequestId: requestId, PhysicalResourceId: `${ARN}agent`, ResourceProperties: { ...PROPERTIES, ...change },
});

/** The image-builder's two handlers over doubles of the service and of S3. */
export class BuilderFixture {
  readonly images = new FakeImages();
  readonly artifacts = new FakeArtifacts();
  readonly clock = new TestClock();

  readonly onEvent = (request: any) => startImage(this, request);

  readonly isComplete = (request: any) => completeImage(this, request);

  /** As the Provider framework does: what `onEvent` answered is handed on. */
  readonly start = async (request: any) => {
    const handed = { ...request, ...await this.onEvent(request) };
    return { handed, look: () => this.isComplete(handed) };
  };

  readonly created = async () => {
    const started = await this.start(event());
    this.images.finish('agent', { state: 'SUCCESSFUL' });
    return started;
  };
}
