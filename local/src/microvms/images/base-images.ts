import type { Clock } from '../../clock';
import type { Persistent } from '../../persistent';

const STATUSES = ['AVAILABLE', 'DEPRECATED', 'EXPIRING', 'EXPIRED', 'RECALLED'] as const;

/** What the service says of a version of its base image. From EXPIRING on nothing is built on it, from EXPIRED on nothing is started. */
export type BaseImageStatus = (typeof STATUSES)[number];

export interface BaseImageVersion {
  /** A bare number, as in `1`. */
  readonly imageVersion: string;
  readonly status: BaseImageStatus;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

const BUILDABLE: readonly BaseImageStatus[] = ['AVAILABLE', 'DEPRECATED'];
const DEAD: readonly BaseImageStatus[] = ['EXPIRED', 'RECALLED'];

const FIRST = available('0', Date.UTC(2026, 5, 17));
const SECOND = available('1', Date.UTC(2026, 6, 21));

/** The versions of the managed base image. A test lets the service publish another one, or take one out of use. */
export class BaseImages implements Persistent {
  /** Newest first. */
  #versions: readonly BaseImageVersion[] = [SECOND, FIRST];

  constructor(private readonly clock: Pick<Clock, 'now'>, private readonly onChange: () => void = () => undefined) {}

  /** Newest first. */
  versions(): readonly BaseImageVersion[] {
    return this.#versions;
  }

  /** The service offers one more version from now on. `imageVersion` is a bare number above all others. */
  publish(imageVersion: string): void {
    const [newest] = this.#versions;
    if (!/^[1-9]\d*$/.test(imageVersion) || Number(imageVersion) <= Number(newest.imageVersion)) {
      throw new RangeError(`publish: imageVersion "${imageVersion}" is not a whole number above ${newest.imageVersion}, the newest version`);
    }
    this.#versions = [available(imageVersion, this.clock.now()), ...this.#versions];
    this.onChange();
  }

  setStatus(imageVersion: string, status: BaseImageStatus): void {
    if (!STATUSES.includes(status)) throw new RangeError(`setStatus: status "${status}" is none of ${STATUSES.join(', ')}`);
    if (!this.#find(imageVersion)) {
      const known = this.#versions.map((version) => version.imageVersion).join(', ');
      throw new RangeError(`setStatus: there is no imageVersion "${imageVersion}"; there are ${known}`);
    }
    const updatedAt = this.clock.now();
    this.#versions = this.#versions.map((version) => (
      version.imageVersion === imageVersion ? { ...version, status, updatedAt } : version
    ));
    this.onChange();
  }

  /** @internal The version that an image is built on whose request names none. */
  byDefault(): string {
    const { imageVersion } = this.#versions.find(({ status }) => BUILDABLE.includes(status)) ?? this.#versions[0];
    return imageVersion;
  }

  /** @internal */
  isBuildable(imageVersion: string): boolean {
    const found = this.#find(imageVersion);
    return found !== undefined && BUILDABLE.includes(found.status);
  }

  /** @internal Whether the service still starts what was built on it. `imageVersion` as images have it, `1.0`. */
  isRunnable(imageVersion: string): boolean {
    const found = this.#find(String(Number.parseInt(imageVersion, 10)));
    return found === undefined || !DEAD.includes(found.status);
  }

  save(): readonly BaseImageVersion[] {
    return this.#versions;
  }

  restore(state: unknown): void {
    this.#versions = state as readonly BaseImageVersion[];
  }

  #find(imageVersion: string): BaseImageVersion | undefined {
    return this.#versions.find((version) => version.imageVersion === imageVersion);
  }
}

function available(imageVersion: string, at: number): BaseImageVersion {
  return { imageVersion, status: 'AVAILABLE', createdAt: at, updatedAt: at };
}
