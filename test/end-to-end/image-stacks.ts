import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaMicrovmsClient, ListMicrovmImageVersionsCommand } from '@aws-sdk/client-lambda-microvms';
import { App, CfnOutput, CfnResource, Stack } from 'aws-cdk-lib';
import { ImageSource, SandboxImage, type SandboxImageProps, SandboxPool } from 'cdk-microvm-sandbox';
import type { SandboxClient } from 'microvm-sandbox';
import {
  type AuthorizationDecision, type AuthorizationRequest, type CloudEvent, type DeployedStack, type LocalCloud,
  type LocalCloudOptions, startLocalCloud,
} from 'microvm-sandbox-local';
import { clientOf, eventually, removeFolder } from './deployed';
import { authorize } from '../authorize';

export interface SmallStack {
  /** The image has the same name. */
  readonly stackName: string;
  /** Of the image's own context. Default: a server that answers `word` to everything. */
  readonly files?: Readonly<Record<string, string>>;
  readonly word?: string;
  readonly image?: (stack: Stack, context: string) => Partial<SandboxImageProps>;
  readonly withPool?: boolean;
  /** With a resource that cannot be made, after the image. */
  readonly withFailure?: boolean;
}

export const DOCKERFILE = 'FROM public.ecr.aws/docker/library/node:24-slim\nWORKDIR /app\nCOPY server.js .\nCMD ["node", "server.js"]\n';

/** A server that does this with each request. */
export function serverThat(does: string): Record<string, string> {
  const server = `require('node:http').createServer((request, response) => { ${does} }).listen(process.env.PORT ?? 8080);`;
  return { 'Dockerfile': DOCKERFILE, 'server.js': server };
}

/** IAM's decisions, each simulated once: the same builder asks the same again and again. */
function rememberedDecisions(): (request: AuthorizationRequest) => Promise<AuthorizationDecision> {
  const decisions = new Map<string, Promise<AuthorizationDecision>>();
  return (request) => {
    const question = JSON.stringify(request);
    const decision = decisions.get(question) ?? authorize(request);
    decisions.set(question, decision);
    return decision;
  };
}

interface Meanwhile {
  /** What a test does in the moment before a call of a role takes effect. */
  beforeCall?: (request: AuthorizationRequest) => Promise<void>;
}

/** A local cloud that judges every call by the synthesized policies, and small stacks with an image of their own for it. */
export class ImageCloud {
  static async start(options: LocalCloudOptions = {}): Promise<ImageCloud> {
    const events: CloudEvent[] = [];
    const meanwhile: Meanwhile = {};
    const decide = rememberedDecisions();
    const cloud = await startLocalCloud({
      isolation: 'processes',
      quotas: true,
      timeScale: 0,
      spares: 0,
      authorize: async (request) => {
        await meanwhile.beforeCall?.(request);
        return decide(request);
      },
      onEvent: (event) => events.push(event),
      ...options,
    });
    return new ImageCloud(cloud, events, meanwhile);
  }

  /** The service's own API, as the account's user. */
  readonly microvms: LambdaMicrovmsClient;
  readonly #folder = mkdtempSync(join(tmpdir(), 'image-stacks-'));
  #count = 0;

  private constructor(
    readonly cloud: LocalCloud, readonly events: CloudEvent[], readonly meanwhile: Meanwhile,
  ) {
    this.microvms = new LambdaMicrovmsClient({ ...this.sdk, maxAttempts: 1 });
  }

  /** For clients of the SDK. */
  get sdk() {
    const { AWS_REGION: region, ...secrets } = this.cloud.environment;
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = secrets;
    return { endpoint: this.cloud.endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  }

  /** Answers the folder of the cloud assembly. */
  synthesize(small: SmallStack): string {
    const { stackName, word = 'here', withPool, withFailure } = small;
    const folder = join(this.#folder, String(++this.#count));
    const context = join(folder, 'context');
    mkdirSync(context, { recursive: true });
    for (const [name, content] of Object.entries(small.files ?? serverThat(`response.end('${word}')`))) {
      writeFileSync(join(context, name), content);
    }
    const stack = new Stack(new App({ outdir: join(folder, 'out') }), stackName);
    const { source = ImageSource.directory(context), ...props } = small.image?.(stack, context) ?? {};
    const image = new SandboxImage(stack, 'Image', { imageName: stackName, source, ...props });
    if (withPool) new CfnOutput(stack, 'SandboxPool', { value: new SandboxPool(stack, 'Pool', { image }).allocatorArn });
    if (withFailure) failing(stack).node.addDependency(image);
    for (const name of ['imageVersion', 'baseImageVersion', 'baseImageStatus'] as const) new CfnOutput(stack, name, { value: image[name] });
    return (stack.node.root as App).synth().directory;
  }

  /** Answers the stack's outputs. */
  async deploy(stack: SmallStack): Promise<DeployedStack['outputs']> {
    const [{ outputs }] = await this.cloud.deploy(this.synthesize(stack));
    return outputs;
  }

  /** Why resources of the stack fail in the course of the work, in this order: those of a rollback come last. */
  async failures(stackName: string, work: () => Promise<unknown>): Promise<string[]> {
    const before = this.events.length;
    await work().then(() => undefined, () => undefined);
    return this.events.slice(before).flatMap((event) => (
      event.kind === 'resource' && event.stackName === stackName && event.status.endsWith('_FAILED') ? event.reason ?? '' : []
    ));
  }

  /** Lets time pass until the work is done: in steps that no function times out in, each with a look of the image-builder. */
  async passTime<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.then(() => undefined, () => undefined).finally(() => {
      isDone = true;
    });
    for (let seen = this.#looks(); !isDone; seen = this.#looks()) {
      await Promise.race([done, eventually(() => this.#looks() > seen, 'the image-builder has looked')]);
      if (!isDone) await this.cloud.clock.advance({ minutes: 4 });
    }
    return work;
  }

  #looks(): number {
    return this.events.filter((event) => event.kind === 'log' && event.message.includes('"operation":"isComplete"')).length;
  }

  /** As in `2.0 SUCCESSFUL ACTIVE`, oldest first. */
  async versions(imageName: string): Promise<string[]> {
    const list = new ListMicrovmImageVersionsCommand({ imageIdentifier: this.arn(imageName), maxResults: 50 });
    const { items = [] } = await this.microvms.send(list);
    return items.map(({ imageVersion, state, status }) => `${imageVersion} ${state} ${status}`);
  }

  arn(imageName: string): string {
    return `arn:aws:lambda:us-east-1:000000000000:microvm-image:${imageName}`;
  }

  client({ SandboxPool: pool }: DeployedStack['outputs']): SandboxClient {
    return clientOf(this.cloud, pool);
  }

  async stop(): Promise<void> {
    this.microvms.destroy();
    await this.cloud.stop();
    await removeFolder(this.#folder);
  }
}

/** CloudFormation makes no parameters of this type. */
function failing(stack: Stack): CfnResource {
  return new CfnResource(stack, 'Refused', { type: 'AWS::SSM::Parameter', properties: { Type: 'SecureString', Value: 'value' } });
}
