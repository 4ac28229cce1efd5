import type { NewFunction } from '../../services/lambda/lambda-service';
import { permissionStatement } from '../../services/lambda/permission-statement';
import type { Properties } from '../properties';
import { optionalNumber, optionalString, record, requiredString, strings } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName, unlessGone } from '../resource-type';
import { zipEntries } from '../zip';

/** Names that Lambda keeps for itself. */
const RESERVED_VARIABLES = /^(?:_HANDLER|_X_AMZN_TRACE_ID|AWS_DEFAULT_REGION|AWS_REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_(?:FUNCTION_NAME|FUNCTION_MEMORY_SIZE|FUNCTION_VERSION|INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME|RUNTIME_API)|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR)$/;
const MAX_ENVIRONMENT_BYTES = 4096;
const NO_LAYERS = 'the local cloud has no layers; bundle what the function needs with its code';

export const lambdaFunction: ResourceType = {
  createOnly: ['FunctionName', 'PackageType'],
  name: 'FunctionName',
  async create(properties, context) {
    const name = optionalString(properties, 'FunctionName') ?? generatedName(context, 64);
    await context.services.lambda.create(await newFunction(name, properties, context));
    return { physicalId: name, attributes: { Arn: context.services.lambda.arn(name) } };
  },
  async update(resource, properties, context) {
    await context.services.lambda.update(await newFunction(resource.physicalId, properties, context));
    return resource;
  },
  async delete({ physicalId }, _, { services }) {
    await unlessGone(['ResourceNotFoundException'], () => services.lambda.delete(physicalId));
  },
};

async function newFunction(name: string, properties: Properties, context: ResourceContext): Promise<NewFunction> {
  const roleArn = requiredString(properties, 'Role');
  const roleName = roleArn.split('/').at(-1) ?? '';
  if (roleArn.startsWith(`arn:aws:iam::${context.account}:`) && !context.services.iam.hasRole(roleName)) {
    throw new Error(`The role defined for the function cannot be assumed by Lambda: there is no role "${roleName}"`);
  }
  const layers = strings(properties, 'Layers');
  if (layers.length > 0) throw new Error(`Layers: ${NO_LAYERS}; got ${layers.join(', ')}`);
  const logging = record(properties, 'LoggingConfig');
  return {
    name,
    roleArn,
    // A container image has neither; it can be created, and invoking it fails by its runtime.
    runtime: optionalString(properties, 'Runtime') ?? 'container image',
    handler: optionalString(properties, 'Handler') ?? '',
    code: await codeOf(record(properties, 'Code'), context),
    timeoutSeconds: optionalNumber(properties, 'Timeout') ?? 3,
    memoryMib: optionalNumber(properties, 'MemorySize') ?? 128,
    description: optionalString(properties, 'Description') ?? '',
    environment: environmentOf(properties),
    logGroup: optionalString(logging, 'LogGroup') ?? `/aws/lambda/${name}`,
    logFormat: optionalString(logging, 'LogFormat') === 'JSON' ? 'JSON' : 'Text',
    logLevel: optionalString(logging, 'ApplicationLogLevel') ?? 'INFO',
    reservedConcurrency: optionalNumber(properties, 'ReservedConcurrentExecutions'),
  };
}

async function codeOf(code: Properties, { services }: ResourceContext): Promise<Buffer> {
  const inline = optionalString(code, 'ZipFile');
  if (inline !== undefined) return zipEntries([{ path: 'index.js', content: Buffer.from(inline), mode: 0o100644 }]);
  if (optionalString(code, 'ImageUri') !== undefined) return zipEntries([]);
  const { content } = await services.buckets.get(requiredString(code, 'S3Bucket'), requiredString(code, 'S3Key'));
  return content;
}

function environmentOf(properties: Properties): Record<string, string> {
  const given = record(record(properties, 'Environment'), 'Variables');
  const variables = Object.fromEntries(Object.keys(given).map((name) => [name, requiredString(given, name)]));
  const reserved = Object.keys(variables).filter((name) => RESERVED_VARIABLES.test(name));
  if (reserved.length > 0) throw new Error(`Environment has the reserved keys ${reserved.join(', ')}, which Lambda does not let a function set`);
  const size = Buffer.byteLength(JSON.stringify(variables));
  if (size > MAX_ENVIRONMENT_BYTES) throw new Error(`Environment takes ${size} bytes; Lambda allows ${MAX_ENVIRONMENT_BYTES}`);
  return variables;
}

export const permission: ResourceType = {
  create(properties, context) {
    const physicalId = generatedName(context, 100);
    context.services.lambda.addPermission(requiredString(properties, 'FunctionName'), physicalId, permissionOf(properties));
    return { physicalId, attributes: {} };
  },
  async delete({ physicalId }, properties, { services }) {
    await unlessGone(['ResourceNotFoundException'], () => services.lambda.removePermission(requiredString(properties, 'FunctionName'), physicalId));
  },
};

function permissionOf(properties: Properties): object {
  return permissionStatement({
    Principal: requiredString(properties, 'Principal'),
    Action: requiredString(properties, 'Action'),
    SourceArn: optionalString(properties, 'SourceArn'),
    SourceAccount: optionalString(properties, 'SourceAccount'),
  });
}

export const eventInvokeConfig: ResourceType = {
  createOnly: ['FunctionName', 'Qualifier'],
  create(properties, context) {
    configureRetries(properties, context);
    return { physicalId: generatedName(context, 100), attributes: {} };
  },
  update(resource, properties, context) {
    configureRetries(properties, context);
    return resource;
  },
  async delete(_, properties, { services }) {
    const reset = (): void => services.lambda.setAsyncConfiguration(requiredString(properties, 'FunctionName'), { maximumRetryAttempts: 2 });
    await unlessGone(['ResourceNotFoundException'], reset);
  },
};

function configureRetries(properties: Properties, { services }: ResourceContext): void {
  const maximumRetryAttempts = optionalNumber(properties, 'MaximumRetryAttempts') ?? 2;
  services.lambda.setAsyncConfiguration(requiredString(properties, 'FunctionName'), { maximumRetryAttempts });
}

export const layerVersion: ResourceType = {
  create({ LayerName }) {
    throw new Error(`LayerName "${String(LayerName ?? '')}": ${NO_LAYERS}`);
  },
  delete() {
    // None was ever made.
  },
};
