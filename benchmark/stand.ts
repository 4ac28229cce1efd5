import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import {
  CreateMicrovmAuthTokenCommand, CreateMicrovmImageCommand, type CreateMicrovmImageRequest, GetMicrovmCommand,
  GetMicrovmImageCommand,
  LambdaMicrovmsClient, RunMicrovmCommand, TerminateMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { LocalCloud, LocalCloudOptions } from 'microvm-sandbox-local';
import { startLocalCloud } from 'microvm-sandbox-local';
import { ZipFile } from 'yazl';

const BUCKET = 'benchmark-artifacts';
/** Nobody created it; without `authorize` the local cloud does not mind. */
const BUILD_ROLE = 'arn:aws:iam::000000000000:role/benchmark';
const LIMIT_MS = 120_000;

/** A microVM that runs, and how to reach its daemon. */
export interface Reached {
  readonly id: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A local cloud and the clients to use it with, as a program of its user has them. */
export class Stand implements AsyncDisposable {
  static async start(options: LocalCloudOptions = {}): Promise<Stand> {
    const cloud = await startLocalCloud(options);
    return new Stand(cloud);
  }

  readonly agent = new Agent({ keepAlive: true });
  readonly microvms: LambdaMicrovmsClient;
  readonly #s3: S3Client;

  private constructor(readonly cloud: LocalCloud) {
    const { AWS_REGION: region, ...environment } = cloud.environment;
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
    const credentials = { accessKeyId, secretAccessKey };
    const settings = { endpoint: cloud.endpoint, region, credentials, maxAttempts: 1 };
    this.microvms = new LambdaMicrovmsClient(settings);
    this.#s3 = new S3Client({ ...settings, forcePathStyle: true });
  }

  get port(): number {
    return Number(new URL(this.cloud.endpoint).port);
  }

  /** Builds an image of these files and waits for it. */
  async createImage(
    name: string,
    files: Readonly<Record<string, string | Buffer>>,
    more: Partial<CreateMicrovmImageRequest> = {},
  ): Promise<string> {
    await this.#s3.send(new CreateBucketCommand({ Bucket: BUCKET })).catch((error: unknown) => {
      if ((error as Error).name !== 'BucketAlreadyOwnedByYou') throw error;
    });
    await this.#s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${name}.zip`, Body: await zip(files) }));
    const { imageArn = '' } = await this.microvms.send(new CreateMicrovmImageCommand({
      name,
      baseImageArn: `arn:aws:lambda:${this.cloud.environment.AWS_REGION}:aws:microvm-image:al2023-1`,
      buildRoleArn: BUILD_ROLE,
      codeArtifact: { uri: `s3://${BUCKET}/${name}.zip` },
      ...more,
    }));
    await until(`image ${name}`, async () => {
      const { state } = await this.microvms.send(new GetMicrovmImageCommand({ imageIdentifier: imageArn }));
      if (state === 'CREATE_FAILED') throw new Error(`image ${name} failed to build`);
      return state === 'CREATED';
    });
    return imageArn;
  }

  /** The image of `ImageSource.sandbox()`: the daemon, with its hooks. */
  async createSandboxImage(): Promise<string> {
    const folder = join(__dirname, '..', 'assets', 'runtime-image');
    const names = await readdir(folder);
    const read = names.map(async (name) => [name, await readFile(join(folder, name))] as const);
    const files = Object.fromEntries(await Promise.all(read));
    return this.createImage('sandbox', files, {
      hooks: {
        port: 9000,
        microvmImageHooks: { ready: 'ENABLED', readyTimeoutInSeconds: 60, validate: 'ENABLED', validateTimeoutInSeconds: 60 },
        microvmHooks: { run: 'ENABLED', runTimeoutInSeconds: 30, terminate: 'ENABLED', terminateTimeoutInSeconds: 5 },
      },
    });
  }

  /** RunMicrovm on the sandbox image, then a token. The daemon may not answer yet. */
  async runSandbox(imageIdentifier: string): Promise<Reached> {
    const secret = randomBytes(16).toString('hex');
    const payload = { sandboxId: `sbx-${randomUUID()}`, generation: 1, secretSha256: createHash('sha256').update(secret).digest('hex') };
    const reached = await this.run(imageIdentifier, JSON.stringify(payload));
    return { ...reached, headers: { ...reached.headers, 'authorization': `Bearer ${secret}`, 'x-sandbox-generation': '1' } };
  }

  async run(imageIdentifier: string, runHookPayload?: string): Promise<Reached> {
    const { microvmId: id = '', endpoint: host = '' } = await this.microvms.send(new RunMicrovmCommand({ imageIdentifier, runHookPayload }));
    const { authToken = {} } = await this.microvms.send(new CreateMicrovmAuthTokenCommand({
      microvmIdentifier: id, expirationInMinutes: 60, allowedPorts: [{ port: 8080 }],
    }));
    return { id, host, headers: { ...authToken, host } };
  }

  /** The status of one request through the endpoint. */
  status({ headers }: Reached, path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: this.port, path, headers, agent: this.agent }, (answer: IncomingMessage) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0)).once('error', reject);
      });
      sent.once('error', reject);
      sent.end();
    });
  }

  async untilAnswers(reached: Reached, path: string): Promise<void> {
    await until(`an answer of ${reached.id}`, async () => (await this.status(reached, path)) === 200, 2);
  }

  async state(id: string): Promise<string | undefined> {
    return (await this.microvms.send(new GetMicrovmCommand({ microvmIdentifier: id }))).state;
  }

  async terminate(id: string): Promise<void> {
    await this.microvms.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await until(`the end of ${id}`, async () => (await this.state(id)) === 'TERMINATED');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.destroy();
    this.microvms.destroy();
    this.#s3.destroy();
    await this.cloud.stop();
  }
}

export async function until(what: string, holds: () => Promise<boolean> | boolean, pauseMs = 5): Promise<void> {
  for (const limit = Date.now() + LIMIT_MS; !(await holds());) {
    if (Date.now() > limit) throw new Error(`${what} did not come about within ${LIMIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function zip(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [name, content] of Object.entries(files)) {
    archive.addBuffer(Buffer.from(content), name, { mode: 0o100755 });
  }
  archive.end();
  const chunks: Buffer[] = [];
  for await (const chunk of archive.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
