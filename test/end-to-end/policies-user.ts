import {
  GetMicrovmImageCommand, LambdaMicrovmsClient, ListMicrovmImageVersionsCommand, RunMicrovmCommand, TagResourceCommand,
  UpdateMicrovmImageVersionCommand,
} from '@aws-sdk/client-lambda-microvms';
import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { LocalCloud } from 'microvm-sandbox-local';
import { eventually } from './deployed';
import { SOURCES } from './policies-app';
import type { RunPayload } from '../../client/src/protocol/daemon';
import { CURRENT_VERSION_TAG } from '../../src/contract/image';
import { zip } from '../local/microvms/microvm-cloud';

/** Runs, and takes no port: all microVMs share those of this machine. */
const DOCKERFILE = `
  FROM scratch
  COPY server.js .
  CMD ["node", "server.js"]
`;

/** What people do in the account beside the deployments. The account's user is never restricted. */
export class AccountUser {
  readonly #microvms: LambdaMicrovmsClient;
  readonly #s3: S3Client;

  constructor({ endpoint, environment }: LocalCloud) {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
    const configuration = { endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } };
    this.#microvms = new LambdaMicrovmsClient(configuration);
    this.#s3 = new S3Client({ ...configuration, forcePathStyle: true });
  }

  /** Puts a build context where no stack does. Answers its version. */
  async putSources(): Promise<string> {
    const { bucket: Bucket, key: Key } = SOURCES;
    await this.#s3.send(new CreateBucketCommand({ Bucket }));
    await this.#s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const Body = await zip({ 'Dockerfile': DOCKERFILE, 'server.js': 'setInterval(() => undefined, 60_000);' });
    const { VersionId = '' } = await this.#s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    return VersionId;
  }

  /** Takes a version out of use in favour of another one, as a pipeline does that has built it. */
  async makeCurrent(imageName: string, imageVersion: string, retired: string): Promise<void> {
    const imageIdentifier = this.#arnOf(imageName);
    const setStatus = async (version: string, status: 'ACTIVE' | 'INACTIVE') => {
      const change = new UpdateMicrovmImageVersionCommand({ imageIdentifier, imageVersion: version, status });
      await this.#microvms.send(change);
      await this.#untilAtRest(imageIdentifier);
    };
    await setStatus(imageVersion, 'ACTIVE');
    const Tags = { [CURRENT_VERSION_TAG]: imageVersion };
    await this.#microvms.send(new TagResourceCommand({ Resource: imageIdentifier, Tags }));
    await setStatus(retired, 'INACTIVE');
  }

  /** Starts a microVM that no pool knows. */
  async run(imageName: string): Promise<void> {
    const imageIdentifier = this.#arnOf(imageName);
    const { items = [] } = await this.#microvms.send(new ListMicrovmImageVersionsCommand({ imageIdentifier }));
    const hasRunHook = items.some(({ hooks }) => hooks?.microvmHooks?.run === 'ENABLED');
    // Without what its daemon asks for it would end by itself.
    const payload: RunPayload = { sandboxId: 'sbx-0123456789abcdefghij', generation: 1, secretSha256: '0'.repeat(64) };
    await this.#microvms.send(new RunMicrovmCommand({
      imageIdentifier,
      ...(hasRunHook && { runHookPayload: JSON.stringify(payload) }),
    }));
  }

  close(): void {
    this.#microvms.destroy();
    this.#s3.destroy();
  }

  async #untilAtRest(imageIdentifier: string): Promise<void> {
    const isAtRest = async () => !/ING$/.test((await this.#microvms.send(new GetMicrovmImageCommand({ imageIdentifier }))).state ?? '');
    await eventually(isAtRest, 'the image is at rest');
  }

  #arnOf(imageName: string): string {
    return `arn:aws:lambda:us-east-1:000000000000:microvm-image:${imageName}`;
  }
}
