import type { LambdaService } from './services/lambda/lambda-service';

/** How the constructs describe a pool's allocator, and the variable that only it and the pool's keeper have. */
const ALLOCATOR = 'allocator: ';
const CONFIGURATION_VARIABLE = 'POOL_CONFIGURATION';

/** What `SANDBOX_POOL` says for each deployed pool: the ARN of its allocator. */
export function poolsOf(lambda: LambdaService): string[] {
  const allocators = lambda.functions().filter((name) => {
    const { description, environment } = lambda.definition(name);
    return description.startsWith(ALLOCATOR) && environment[CONFIGURATION_VARIABLE] !== undefined;
  });
  return allocators.map((name) => lambda.arn(name));
}
