import { refuse } from './fake-microvms';
import { FaultyService } from './faulty-service';
import type {
  Build, BuildEcho, BuildProgress, BuildRequest, Image, ImageClient, ImageVersion, ListedMicrovm, ManagedVersion,
  NewImage, Submitted,
} from '../../lambda/image-builder/images';
import type { Clock } from '../../lambda/pool/clock';

export const ARN = 'arn:aws:lambda:us-east-1:123456789012:microvm-image:';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface FakeVersion extends Mutable<ImageVersion> {
  builds: Build[];
  progress: BuildProgress;
}

interface FakeImage {
  state: string;
  tags: Record<string, string>;
  versions: FakeVersion[];
  lastVersion: number;
}

interface Outcome {
  readonly state: 'SUCCESSFUL' | 'FAILED';
  readonly stateReason?: string;
  readonly builds?: Partial<Build>[];
  readonly progress?: BuildProgress;
}

interface Submission {
  readonly operation: string;
  readonly build: BuildRequest;
  readonly clientToken: string;
  readonly tags?: Readonly<Record<string, string>>;
}

const BUSY = ['CREATING', 'UPDATING', 'DELETING'];

/** The image operations of the service: its states, its quotas, its memory of client tokens. Nothing gets done until a test says so. */
export class FakeImages extends FaultyService implements ImageClient {
  readonly images = new Map<string, FakeImage>();
  readonly microvms: (Mutable<ListedMicrovm> & { imageVersion: string })[] = [];
  readonly submitted: Submission[] = [];
  managed: ManagedVersion[] = [{ version: '1', status: 'AVAILABLE' }, { version: '0', status: 'DEPRECATED' }];
  maxVersions = 50;
  maxImages = 100;
  maxBuilds = 10;
  /** Whether the service answers a token that it knows while the image is busy. Nobody has seen which. */
  replaysWhileBusy = true;
  private readonly tokens = new Map<string, { request: string; submitted: Submitted }>();

  constructor(private readonly clock: Clock) {
    super();
  }

  image(name: string): FakeImage {
    const image = this.images.get(ARN + name);
    if (!image) throw new Error(`no image ${name}`);
    return image;
  }

  version(name: string, imageVersion: string): FakeVersion {
    const found = this.image(name).versions.find((version) => version.imageVersion === imageVersion);
    if (!found) throw new Error(`no version ${imageVersion}`);
    return found;
  }

  /** As in `1.0 SUCCESSFUL INACTIVE`. */
  states(name: string): string[] {
    return this.image(name).versions.map(({ imageVersion, state, status }) => `${imageVersion} ${state} ${status}`);
  }

  /** Ends the build of an image's newest version. */
  finish(name: string, { state, stateReason, builds = [], progress }: Outcome = { state: 'SUCCESSFUL' }): void {
    const image = this.image(name);
    const version = image.versions.at(-1);
    if (!version) throw new Error(`no version of ${name}`);
    const failed = state === 'FAILED';
    Object.assign(version, {
      state,
      status: failed ? 'INACTIVE' : 'ACTIVE',
      stateReason,
      updatedAt: this.clock.now(),
      builds: builds.map((build, index) => ({ buildId: `b${index}`, state, chipset: 'GRAVITON', chipsetGeneration: String(4 - index), ...build })),
      progress: progress ?? { hasCode: !failed, hasSnapshot: !failed },
    });
    image.state = `${image.state === 'CREATING' ? 'CREATE' : 'UPDATE'}${failed ? '_FAILED' : 'D'}`;
  }

  /** Ends deletions of versions and of images. */
  finishDeletions(): void {
    for (const [imageArn, image] of this.images) {
      if (image.state === 'DELETING') this.images.delete(imageArn);
      const kept = image.versions.filter(({ state }) => state !== 'DELETING');
      if (kept.length < image.versions.length && image.state === 'UPDATING') image.state = 'UPDATED';
      image.versions = kept;
    }
  }

  async create({ name, build, tags }: NewImage, clientToken: string): Promise<Submitted> {
    return this.call('create', async () => this.once(clientToken, { name, build }, () => {
      if (this.images.has(ARN + name)) {
        throw refuse('refused', 'CreateMicrovmImage', `A MicroVM image with the name '${name}' already exists in this account`);
      }
      if (this.images.size >= this.maxImages) throw refuse('quota', 'CreateMicrovmImage', 'ServiceQuotaExceededException: maximum number of images');
      this.assertBuild('CreateMicrovmImage');
      this.submitted.push({ operation: 'create', build, clientToken, tags });
      const image: FakeImage = { state: 'CREATING', tags: { ...tags }, versions: [], lastVersion: 0 };
      this.images.set(ARN + name, image);
      return { imageArn: ARN + name, imageVersion: this.addVersion(image, build) };
    }));
  }

  async update(imageArn: string, build: BuildRequest, clientToken: string): Promise<Submitted> {
    return this.call('update', async () => {
      if (!this.replaysWhileBusy) this.assertRest(imageArn);
      return this.once(clientToken, { imageArn, build }, () => {
        const image = this.assertRest(imageArn);
        if (image.versions.length >= this.maxVersions) {
          throw refuse('quota', 'UpdateMicrovmImage', 'ServiceQuotaExceededException: maximum number of versions of this image');
        }
        this.assertBuild('UpdateMicrovmImage');
        this.submitted.push({ operation: 'update', build, clientToken });
        image.state = 'UPDATING';
        return { imageArn, imageVersion: this.addVersion(image, build) };
      });
    });
  }

  async delete(imageArn: string): Promise<void> {
    await this.call('delete', async () => {
      const image = this.find(imageArn);
      if (['CREATING', 'UPDATING'].includes(image.state)) {
        throw refuse('refused', 'DeleteMicrovmImage', `Cannot delete MicroVM image in its current state: ${image.state}`);
      }
      if (this.microvms.some(({ state }) => state !== 'TERMINATED')) {
        throw refuse('refused', 'DeleteMicrovmImage', 'Cannot delete microvm image with running microvms.');
      }
      image.state = 'DELETING';
    });
  }

  async get(imageArn: string): Promise<Image> {
    return this.call('get', async () => {
      const { state, tags } = this.find(imageArn);
      return { state, tags: { ...tags } };
    });
  }

  async tag(imageArn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await this.call('tag', async () => {
      Object.assign(this.find(imageArn).tags, tags);
    });
  }

  async untag(imageArn: string, keys: readonly string[]): Promise<void> {
    await this.call('untag', async () => {
      for (const key of keys) delete this.find(imageArn).tags[key];
    });
  }

  async getVersion(imageArn: string, imageVersion: string): Promise<ImageVersion> {
    return this.call('getVersion', async () => {
      const { builds, progress, ...version } = this.findVersion(imageArn, imageVersion);
      return version;
    });
  }

  async listVersions(imageArn: string): Promise<ImageVersion[]> {
    return this.call('listVersions', async () => this.find(imageArn).versions.map(({ builds, progress, build, ...version }) => (
      // The service leaves the environment out.
      { ...version, build: { ...build, environmentVariables: undefined } }
    )));
  }

  async setStatus(imageArn: string, imageVersion: string, status: 'ACTIVE' | 'INACTIVE'): Promise<void> {
    await this.call('setStatus', async () => {
      this.assertRest(imageArn);
      Object.assign(this.findVersion(imageArn, imageVersion), { status, updatedAt: this.clock.now() });
    });
  }

  async deleteVersion(imageArn: string, imageVersion: string): Promise<void> {
    await this.call('deleteVersion', async () => {
      const image = this.assertRest(imageArn);
      if (image.versions.length === 1) throw refuse('refused', 'DeleteMicrovmImageVersion', 'Cannot delete the last version.');
      this.findVersion(imageArn, imageVersion).state = 'DELETING';
      image.state = 'UPDATING';
    });
  }

  async listBuilds(imageArn: string, imageVersion: string): Promise<Build[]> {
    return this.call('listBuilds', async () => this.findVersion(imageArn, imageVersion).builds);
  }

  async buildProgress(imageArn: string, imageVersion: string): Promise<BuildProgress> {
    return this.call('buildProgress', async () => this.findVersion(imageArn, imageVersion).progress);
  }

  async listMicrovms(_imageArn: string, imageVersion?: string): Promise<ListedMicrovm[]> {
    return this.call('listMicrovms', async () => this.microvms
      .filter((microvm) => imageVersion === undefined || microvm.imageVersion === imageVersion)
      .map((microvm) => ({ ...microvm })));
  }

  async terminate(microvmId: string): Promise<void> {
    await this.call('terminate', async () => {
      const microvm = this.microvms.find((candidate) => candidate.microvmId === microvmId);
      if (!microvm) throw refuse('not_found', 'TerminateMicrovm');
      microvm.state = 'TERMINATING';
    });
  }

  async listManagedVersions(): Promise<ManagedVersion[]> {
    return this.call('listManagedVersions', async () => this.managed);
  }

  private addVersion(image: FakeImage, build: BuildRequest): string {
    const imageVersion = `${++image.lastVersion}.0`;
    const now = this.clock.now();
    image.versions.push({
      imageVersion,
      state: 'PENDING',
      status: 'INACTIVE',
      createdAt: now,
      updatedAt: now,
      build: echo(build),
      builds: [],
      progress: { hasCode: false, hasSnapshot: false },
    });
    return imageVersion;
  }

  private assertRest(imageArn: string): FakeImage {
    const image = this.find(imageArn);
    if (BUSY.includes(image.state)) throw refuse('conflict', 'UpdateMicrovmImage', `MicroVM Image is already in state: ${image.state}`);
    return image;
  }

  private assertBuild(operation: string): void {
    const building = [...this.images.values()].flatMap(({ versions }) => versions).filter(({ state }) => state === 'PENDING');
    if (building.length >= this.maxBuilds) {
      throw refuse('quota', operation, 'Account 1 has reached the maximum number of concurrent builds allowed.');
    }
  }

  private find(imageArn: string): FakeImage {
    const image = this.images.get(imageArn);
    if (!image) throw refuse('not_found', 'GetMicrovmImage', `MicroVMImage not found for MicroVMImageID: ${imageArn}`);
    return image;
  }

  private findVersion(imageArn: string, imageVersion: string): FakeVersion {
    const version = this.find(imageArn).versions.find((candidate) => candidate.imageVersion === imageVersion);
    if (!version) throw refuse('not_found', 'GetMicrovmImageVersion', `MicroVMImage not found for MicroVMImage: ${imageArn}, Version: ${imageVersion}`);
    return version;
  }

  private once(clientToken: string, request: object, work: () => Submitted): Submitted {
    const text = JSON.stringify(request);
    const known = this.tokens.get(clientToken);
    if (known && known.request !== text) throw refuse('conflict', 'CreateMicrovmImage', 'clientToken was used with different parameters');
    const submitted = known?.submitted ?? work();
    this.tokens.set(clientToken, { request: text, submitted });
    return submitted;
  }
}

/** As the service tells it: another form of the base's version, and nothing of what is not set. */
function echo(build: BuildRequest): BuildEcho {
  const { environmentVariables, hooks, ...rest } = JSON.parse(JSON.stringify(build)) as BuildRequest;
  return {
    ...rest,
    baseImageVersion: `${build.baseImageVersion}.0`,
    ...(hooks && { hooks }),
    ...(Object.keys(environmentVariables).length > 0 && { environmentVariables }),
  };
}
