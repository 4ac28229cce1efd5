import { request } from 'node:http';
import {
  CreateMicrovmAuthTokenCommand, CreateMicrovmImageCommand, type CreateMicrovmImageRequest, GetMicrovmCommand,
  GetMicrovmImageCommand, LambdaMicrovmsClient, RunMicrovmCommand, type RunMicrovmRequest,
} from '@aws-sdk/client-lambda-microvms';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { zip } from './microvms/microvm-cloud';

/** Uses a local cloud as a stranger does: with the environment that it hands out, and nothing else. */
export class CloudUser {
  readonly microvms: LambdaMicrovmsClient;
  readonly #s3: S3Client;

  constructor(private readonly environment: Readonly<Record<string, string>>) {
    const { AWS_ENDPOINT_URL: endpoint, AWS_REGION: region } = environment;
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
    const configuration = { endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
    this.microvms = new LambdaMicrovmsClient(configuration);
    this.#s3 = new S3Client({ ...configuration, forcePathStyle: true });
  }

  /** Asks for an image of `files`; answers its ARN. */
  async createImage(
    name: string, files: Readonly<Record<string, string>>, more: Partial<CreateMicrovmImageRequest> = {},
  ): Promise<string> {
    const Bucket = `artifacts-of-${name}`;
    await this.#s3.send(new CreateBucketCommand({ Bucket }));
    await this.#s3.send(new PutObjectCommand({ Bucket, Key: 'a.zip', Body: await zip(files) }));
    const { imageArn = '' } = await this.microvms.send(new CreateMicrovmImageCommand({
      name,
      baseImageArn: `arn:aws:lambda:${this.environment.AWS_REGION}:aws:microvm-image:al2023-1`,
      buildRoleArn: 'arn:aws:iam::000000000000:role/build-role-of-tests',
      codeArtifact: { uri: `s3://${Bucket}/a.zip` },
      ...more,
    }));
    return imageArn;
  }

  /** An image of `files` that is built. */
  async buildImage(...image: Parameters<CloudUser['createImage']>): Promise<string> {
    const imageArn = await this.createImage(...image);
    await this.until('the build', async () => (await this.imageState(imageArn)) !== 'CREATING');
    return imageArn;
  }

  async imageState(imageIdentifier: string): Promise<string | undefined> {
    return (await this.microvms.send(new GetMicrovmImageCommand({ imageIdentifier }))).state;
  }

  /** A microVM that is RUNNING. */
  async run(imageIdentifier: string, more: Partial<RunMicrovmRequest> = {}): Promise<{ id: string; endpoint: string }> {
    const { microvmId: id = '', endpoint = '' } = await this.microvms.send(new RunMicrovmCommand({ imageIdentifier, ...more }));
    await this.untilState(id, 'RUNNING');
    return { id, endpoint };
  }

  async state(microvmIdentifier: string): Promise<string | undefined> {
    return (await this.microvms.send(new GetMicrovmCommand({ microvmIdentifier }))).state;
  }

  untilState(id: string, state: string): Promise<void> {
    return this.until(state, async () => (await this.state(id)) === state);
  }

  /** Reads from the endpoint of a microVM, port 8080. Answers only once the guest serves. */
  async reader(id: string, endpoint: string): Promise<(path: string) => Promise<string>> {
    const allowedPorts = [{ port: 8080 }];
    const command = new CreateMicrovmAuthTokenCommand({ microvmIdentifier: id, expirationInMinutes: 60, allowedPorts });
    const { authToken = {} } = await this.microvms.send(command);
    const headers = { ...authToken, host: endpoint };
    await this.until('the guest', async () => (await this.#get('/', headers)).status === 200);
    return async (path) => (await this.#get(path, headers)).body;
  }

  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (const end = Date.now() + 15_000; !await holds();) {
      if (Date.now() > end) throw new Error(`not within 15 s: ${what}`);
      await new Promise((resume) => setTimeout(resume, 10));
    }
  }

  close(): void {
    this.microvms.destroy();
    this.#s3.destroy();
  }

  #get(path: string, headers: Readonly<Record<string, string>>): Promise<{ status?: number; body: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(this.environment.AWS_ENDPOINT_URL + path, { headers, agent: false }, (response) => {
        let body = '';
        response.setEncoding('latin1').on('data', (chunk: string) => (body += chunk)).on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      sent.on('error', reject).end();
    });
  }
}
