import { refuse } from './fake-microvms';
import { FaultyService } from './faulty-service';
import type { ArtifactStore, ObjectLocation } from '../../lambda/image-builder/artifacts';
import type { Build, BuildRequest, Image, ImageClient, ImageVersion, ListedMicrovm, Submitted } from '../../lambda/image-builder/images';

export const ARN = 'arn:aws:lambda:us-east-1:123456789012:microvm-image:';

interface FakeImage {
  state: string;
  tags: Record<string, string>;
  versions: { -readonly [K in keyof ImageVersion]: ImageVersion[K] }[];
  builds: Build[];
}

/** The image operations of the service, with its states and its memory of client tokens. Nothing gets done until a test says so. */
export class FakeImages extends FaultyService implements ImageClient {
  readonly images = new Map<string, FakeImage>();
  readonly microvms: { -readonly [K in keyof ListedMicrovm]: ListedMicrovm[K] }[] = [];
  readonly submitted: { operation: string; build: BuildRequest; clientToken: string }[] = [];
  private readonly tokens = new Map<string, Submitted>();

  image(name: string): FakeImage {
    const image = this.images.get(ARN + name);
    if (!image) throw new Error(`no image ${name}`);
    return image;
  }

  /** Ends the build of an image's newest version. */
  finish(name: string, outcome: { state: 'SUCCESSFUL' | 'FAILED'; stateReason?: string; builds?: Build[] }): void {
    const image = this.image(name);
    const version = image.versions[image.versions.length - 1];
    const failed = outcome.state === 'FAILED';
    Object.assign(version, { state: outcome.state, status: failed ? 'INACTIVE' : 'ACTIVE', stateReason: outcome.stateReason });
    image.builds = outcome.builds ?? [];
    image.state = `${image.versions.length === 1 ? 'CREATE' : 'UPDATE'}${failed ? '_FAILED' : 'D'}`;
  }

  async create(
    name: string, build: BuildRequest, tags: Record<string, string>, clientToken: string,
  ): Promise<Submitted> {
    return this.call('create', async () => this.once(clientToken, () => {
      if (this.images.has(ARN + name)) {
        throw refuse('refused', 'CreateMicrovmImage', `A MicroVM image with the name '${name}' already exists in this account`);
      }
      this.submitted.push({ operation: 'create', build, clientToken });
      this.images.set(ARN + name, { state: 'CREATING', tags, versions: [{ imageVersion: '1.0', state: 'PENDING' }], builds: [] });
      return { imageArn: ARN + name, imageVersion: '1.0' };
    }));
  }

  async update(imageArn: string, build: BuildRequest, clientToken: string): Promise<Submitted> {
    return this.call('update', async () => this.once(clientToken, () => {
      const image = this.find(imageArn);
      if (image.state === 'UPDATING') throw refuse('conflict', 'UpdateMicrovmImage', 'MicroVM Image is already in state: UPDATING');
      this.submitted.push({ operation: 'update', build, clientToken });
      const imageVersion = `${image.versions.length + 1}.0`;
      image.versions.push({ imageVersion, state: 'PENDING' });
      image.state = 'UPDATING';
      return { imageArn, imageVersion };
    }));
  }

  async delete(imageArn: string): Promise<void> {
    await this.call('delete', async () => {
      const image = this.find(imageArn);
      if (this.microvms.some(({ state }) => state !== 'TERMINATED')) {
        throw refuse('refused', 'DeleteMicrovmImage', 'Cannot delete microvm image with running microvms.');
      }
      image.state = 'DELETING';
    });
  }

  async get(imageArn: string): Promise<Image> {
    return this.call('get', async () => this.find(imageArn));
  }

  async getVersion(imageArn: string, imageVersion: string): Promise<ImageVersion> {
    return this.call('getVersion', async () => {
      const version = this.find(imageArn).versions.find((candidate) => candidate.imageVersion === imageVersion);
      if (!version) throw refuse('not_found', 'GetMicrovmImageVersion');
      return { ...version };
    });
  }

  async listVersions(imageArn: string): Promise<ImageVersion[]> {
    return this.call('listVersions', async () => this.find(imageArn).versions);
  }

  async listBuilds(imageArn: string): Promise<Build[]> {
    return this.call('listBuilds', async () => this.find(imageArn).builds);
  }

  async listMicrovms(): Promise<ListedMicrovm[]> {
    return this.call('listMicrovms', async () => this.microvms.map((microvm) => ({ ...microvm })));
  }

  async terminate(microvmId: string): Promise<void> {
    await this.call('terminate', async () => {
      const microvm = this.microvms.find((candidate) => candidate.microvmId === microvmId);
      if (!microvm) throw refuse('not_found', 'TerminateMicrovm');
      microvm.state = 'TERMINATING';
    });
  }

  private find(imageArn: string): FakeImage {
    const image = this.images.get(imageArn);
    if (!image) throw refuse('not_found', 'GetMicrovmImage', `MicroVMImage not found for MicroVMImageID: ${imageArn}`);
    return image;
  }

  private once(clientToken: string, work: () => Submitted): Submitted {
    const known = this.tokens.get(clientToken) ?? work();
    this.tokens.set(clientToken, known);
    return known;
  }
}

export class FakeArtifacts implements ArtifactStore {
  readonly objects = new Set<string>();
  readonly copies: string[] = [];
  /** Errors of the next copies. */
  readonly faults: Error[] = [];

  async exists({ bucket, key }: ObjectLocation): Promise<boolean> {
    return this.objects.has(`${bucket}/${key}`);
  }

  async copy(from: ObjectLocation, to: ObjectLocation): Promise<void> {
    const fault = this.faults.shift();
    if (fault) throw fault;
    this.copies.push(`${from.bucket}/${from.key}`);
    this.objects.add(`${to.bucket}/${to.key}`);
  }

  async deleteAll(bucket: string, prefix: string): Promise<void> {
    for (const object of this.objects) if (object.startsWith(`${bucket}/${prefix}`)) this.objects.delete(object);
  }
}
