import { InvalidArgumentError } from './errors';
import { POOL_VARIABLE } from './protocol';

/** Where a pool is. */
export interface PoolAddress {
  /** ARN or name of the allocator function. */
  readonly functionName: string;
  readonly region: string;
}

const ARN = /^arn:aws[a-z-]*:lambda:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:function:[A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9$_-]+)?$/;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Finds the pool in the options or the environment. */
export function findPool(options: { pool?: string; region?: string }, environment: NodeJS.ProcessEnv): PoolAddress {
  const pool = options.pool ?? environment[POOL_VARIABLE];
  if (!pool) {
    throw new InvalidArgumentError(
      `no pool: pass { pool: '<ARN of the pool's allocator function>' } or set ${POOL_VARIABLE}; ` +
      'the construct\'s pool.connect(fn) sets it for a Lambda function',
    );
  }
  const arn = ARN.exec(pool);
  if (arn) {
    if (options.region !== undefined && options.region !== arn[1]) {
      throw new InvalidArgumentError(`region: ${options.region} is not the Region of the pool ${pool}; leave it out`);
    }
    return { functionName: pool, region: arn[1] };
  }
  if (!NAME.test(pool)) {
    throw new InvalidArgumentError(`pool: ${JSON.stringify(pool)} is neither the ARN nor the name of a Lambda function`);
  }
  const region = options.region ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (!region) throw new InvalidArgumentError(`region: unknown for the function name ${pool}; pass the ARN, or region, or set AWS_REGION`);
  return { functionName: pool, region };
}
