import type { ApiRequest } from '../../api';
import { ServiceError } from '../service-error';
import type { FunctionDefinition } from './function-definition';
import type { FunctionAlias } from './function-versions';
import { LATEST } from './function-versions';
import type { LambdaService } from './lambda-service';

const MAX_ITEMS = 50;

/** A function, or one version of it. */
export function configuration(functions: LambdaService, definition: FunctionDefinition, qualifier?: string): object {
  const arn = functions.arn(definition.name);
  return {
    FunctionName: definition.name,
    FunctionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
    Runtime: definition.runtime,
    Role: definition.roleArn,
    Handler: definition.handler,
    Description: definition.description,
    Timeout: definition.timeoutSeconds,
    MemorySize: definition.memoryMib,
    LastModified: new Date(definition.lastModified).toISOString(),
    CodeSha256: definition.codeSha256,
    Version: definition.version,
    Environment: { Variables: definition.environment },
    PackageType: 'Zip',
    Architectures: ['arm64'],
    State: 'Active',
    LastUpdateStatus: 'Successful',
  };
}

export function listFunctions(functions: LambdaService, { query }: ApiRequest): object {
  const all = functions.functions().sort().map((name) => functions.definition(name));
  const { items, NextMarker } = page(all, ({ name }) => name, query);
  return { Functions: items.map((definition) => configuration(functions, definition)), NextMarker };
}

/** `$LATEST` first. */
export function listVersions(functions: LambdaService, name: string, { query }: ApiRequest): object {
  const latest = functions.definition(name);
  const all = [latest, ...functions.versions(name).published()];
  const { items, NextMarker } = page(all, ({ version }) => version, query);
  return { Versions: items.map((definition) => configuration(functions, definition, definition.version)), NextMarker };
}

export function listAliases(functions: LambdaService, name: string, { query }: ApiRequest): object {
  const wanted = query.get('FunctionVersion');
  const all = functions.versions(name).aliases().filter(({ version }) => wanted === null || version === wanted);
  const sorted = all.sort((a, b) => (a.name < b.name ? -1 : 1));
  const { items, NextMarker } = page(sorted, (alias) => alias.name, query);
  return { Aliases: items.map((alias) => aliasView(functions, name, alias)), NextMarker };
}

export function aliasView(functions: LambdaService, name: string, alias: FunctionAlias): object {
  const { definition } = functions.resolve(`${name}:${alias.name}`);
  const AliasArn = `${functions.arn(definition.name)}:${alias.name}`;
  return { AliasArn, Name: alias.name, FunctionVersion: alias.version, Description: alias.description };
}

/** The policy of a function, or that of one of its versions or aliases. */
export function policyView(functions: LambdaService, name: string, qualifier: string | undefined): object {
  const { definition } = functions.resolve(qualifier === undefined ? name : `${name}:${qualifier}`);
  const arn = functions.arn(definition.name);
  const resource = qualifier === undefined || qualifier === LATEST ? arn : `${arn}:${qualifier}`;
  const statements = functions.statements(name).filter(({ Resource }) => Resource === resource);
  if (statements.length === 0) throw new ServiceError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
  return { Policy: JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements }) };
}

function page<Item>(
  all: readonly Item[], keyOf: (item: Item) => string, query: URLSearchParams,
): { items: readonly Item[]; NextMarker?: string } {
  const size = Math.min(Number(query.get('MaxItems') ?? MAX_ITEMS), MAX_ITEMS);
  if (!(Number.isInteger(size) && size >= 1)) throw new ServiceError('InvalidParameterValueException', 'MaxItems must be a whole number from 1');
  const marker = query.get('Marker');
  const last = marker ? all.findIndex((item) => keyOf(item) === Buffer.from(marker, 'base64url').toString()) : -1;
  if (marker && last < 0) throw new ServiceError('InvalidParameterValueException', 'Marker is not one that this list answered');
  const items = all.slice(last + 1, last + 1 + size);
  const end = items.at(-1);
  const isLast = end === undefined || last + 1 + size >= all.length;
  return isLast ? { items } : { items, NextMarker: Buffer.from(keyOf(end)).toString('base64url') };
}
