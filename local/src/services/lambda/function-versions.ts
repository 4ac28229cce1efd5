import { ServiceError } from '../service-error';
import type { FunctionDefinition } from './function-definition';
import type { FunctionPool } from './function-pool';

export const LATEST = '$LATEST';

/** What answers under one version of a function. */
export interface RunnableVersion {
  readonly definition: FunctionDefinition;
  readonly pool: FunctionPool;
}

export interface FunctionAlias {
  readonly name: string;
  /** The version that it stands for. */
  readonly version: string;
  readonly description: string;
}

export interface SavedVersions {
  readonly last: number;
  readonly definitions: readonly FunctionDefinition[];
  readonly aliases: readonly FunctionAlias[];
}

export interface PublishOptions {
  /** Default: the function's. */
  readonly description?: string;
  /** Only if the code is this. */
  readonly codeSha256?: string;
}

type NewPool = (definition: FunctionDefinition) => FunctionPool;

/** The published versions of a function, which never change, and the aliases that stand for them. */
export class FunctionVersions {
  readonly #published = new Map<string, RunnableVersion>();
  readonly #aliases = new Map<string, FunctionAlias>();
  #last = 0;

  constructor(private readonly functionArn: string, private readonly newPool: NewPool) {}

  save(): SavedVersions {
    return { last: this.#last, definitions: this.published(), aliases: this.aliases() };
  }

  restore({ last, definitions, aliases }: SavedVersions): void {
    this.#last = last;
    for (const definition of definitions) this.#add(definition);
    for (const alias of aliases) this.#aliases.set(alias.name, alias);
  }

  published(): FunctionDefinition[] {
    return [...this.#published.values()].map(({ definition }) => definition);
  }

  pools(): FunctionPool[] {
    return [...this.#published.values()].map(({ pool }) => pool);
  }

  aliases(): FunctionAlias[] {
    return [...this.#aliases.values()];
  }

  /** By the number of a version or the name of an alias. Undefined: an alias of `$LATEST`. */
  find(qualifier: string): RunnableVersion | undefined {
    const version = this.#aliases.get(qualifier)?.version ?? qualifier;
    if (version === LATEST) return undefined;
    const found = this.#published.get(version);
    if (!found) throw new ServiceError('ResourceNotFoundException', `Function not found: ${this.functionArn}:${qualifier}`, 404);
    return found;
  }

  publish(latest: FunctionDefinition, { description, codeSha256 }: PublishOptions): FunctionDefinition {
    if (codeSha256 !== undefined && codeSha256 !== latest.codeSha256) {
      throw new ServiceError('InvalidParameterValueException', `CodeSHA256 (${codeSha256}) is different from current CodeSHA256 in $LATEST (${latest.codeSha256}). Please try again with the CodeSHA256 in $LATEST.`);
    }
    const before = this.#published.get(String(this.#last));
    if (before && isSame(before.definition, latest)) {
      throw new ServiceError('ResourceConflictException', `A version for this Lambda function exists ( ${this.#last} ). Modify the function to create a new version.`, 409);
    }
    this.#last += 1;
    return this.#add({ ...latest, version: String(this.#last), description: description ?? latest.description });
  }

  /** Takes a version out; its processes still live. Undefined: there is none. */
  remove(version: string): RunnableVersion | undefined {
    const alias = this.aliases().find((other) => other.version === version);
    if (alias) {
      throw new ServiceError('ResourceConflictException', `Version ${version} is referenced by the alias ${alias.name}: ${this.functionArn}:${version}`, 409);
    }
    const found = this.#published.get(version);
    this.#published.delete(version);
    return found;
  }

  alias(name: string): FunctionAlias {
    const alias = this.#aliases.get(name);
    if (!alias) throw new ServiceError('ResourceNotFoundException', `Cannot find alias arn: ${this.functionArn}:${name}`, 404);
    return alias;
  }

  createAlias(alias: FunctionAlias): void {
    if (!/^(?!\d+$)[A-Za-z0-9_-]{1,128}$/.test(alias.name)) {
      throw new ServiceError('ValidationException', `an alias has 1 to 128 letters, digits, - and _, and is not a number; got "${alias.name.slice(0, 140)}"`);
    }
    if (this.#aliases.has(alias.name)) throw new ServiceError('ResourceConflictException', `Alias already exists: ${this.functionArn}:${alias.name}`, 409);
    this.#set(alias);
  }

  updateAlias(alias: FunctionAlias): void {
    this.alias(alias.name);
    this.#set(alias);
  }

  deleteAlias(name: string): void {
    this.#aliases.delete(name);
  }

  #set(alias: FunctionAlias): void {
    if (alias.version !== LATEST && !this.#published.has(alias.version)) {
      throw new ServiceError('ResourceNotFoundException', `Function not found: ${this.functionArn}:${alias.version}`, 404);
    }
    this.#aliases.set(alias.name, alias);
  }

  #add(definition: FunctionDefinition): FunctionDefinition {
    this.#published.set(definition.version, { definition, pool: this.newPool(definition) });
    return definition;
  }
}

/** Whether nothing has changed that a version would keep. */
function isSame(published: FunctionDefinition, latest: FunctionDefinition): boolean {
  const kept = (definition: FunctionDefinition): string => {
    const { version, lastModified, codeFolder, reservedConcurrency, description, ...rest } = definition;
    return JSON.stringify(Object.entries(rest).sort());
  };
  return kept(published) === kept(latest);
}
