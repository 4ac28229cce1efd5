import type { Size } from 'aws-cdk-lib';
import { SizeRoundingBehavior, Token, Tokenization } from 'aws-cdk-lib';
import { ValidationError } from './validation-error';

/**
 * Memory of every microVM of an image. It decides vCPUs, disk and bandwidth too, and is billed from start to suspend.
 *
 * The platform knows these five sizes and no other. A microVM may burst to four times its size, and the burst is billed.
 */
export class MemorySize {
  /** 512 MiB, 0.25 vCPU, 8 GB disk. */
  public static readonly MIB_512 = new MemorySize(512);
  /** 1024 MiB, 0.5 vCPU, 8 GB disk. */
  public static readonly MIB_1024 = new MemorySize(1024);
  /** 2048 MiB, 1 vCPU, 8 GB disk. */
  public static readonly MIB_2048 = new MemorySize(2048);
  /** 4096 MiB, 2 vCPUs, 16 GB disk. */
  public static readonly MIB_4096 = new MemorySize(4096);
  /** 8192 MiB, 4 vCPUs, 32 GB disk. */
  public static readonly MIB_8192 = new MemorySize(8192);

  /** The size of this amount: 512, 1024, 2048, 4096 or 8192 MiB. */
  public static of(size: Size): MemorySize {
    const mebibytes = size.toMebibytes({ rounding: SizeRoundingBehavior.NONE });
    if (!Token.isUnresolved(mebibytes) && !SIZES_MIB.includes(mebibytes)) {
      throw new ValidationError(
        `memory: ${mebibytes} MiB is not a size of the platform; use one of ${SIZES_MIB.join(', ')} MiB`,
      );
    }
    return new MemorySize(mebibytes);
  }

  private constructor(private readonly mebibytes: number) {}

  /**
   * The value for the image resource.
   * @internal
   */
  public _render(): string {
    return Tokenization.stringifyNumber(this.mebibytes);
  }
}

const SIZES_MIB = [512, 1024, 2048, 4096, 8192];
