import type { Stack } from './stack';
import { MissingExportError } from './stack-engine';
import { ServiceError } from '../services/service-error';

/** CloudFormation forgets deleted stacks after this long. */
const DELETED_KEPT_MS = 90 * 24 * 3_600_000;

/** What one stack hands to others. */
export interface Exported {
  readonly name: string;
  readonly value: string;
  /** As anybody may see it. */
  readonly shown: string;
}

export function exportsOf({ exports, outputs }: Stack): Exported[] {
  const shown = new Map(outputs.map(({ exportName, value }) => [exportName, value]));
  return [...exports].map(([name, value]) => ({ name, value, shown: shown.get(name) ?? value }));
}

/** Every stack there is, and deleted ones for as long as CloudFormation knows them. */
export class StackStore {
  #stacks: Stack[] = [];

  all(): readonly Stack[] {
    return this.#stacks;
  }

  existing(): Stack[] {
    return this.#stacks.filter(({ status }) => status !== 'DELETE_COMPLETE');
  }

  add(stack: Stack, now: number): void {
    this.#stacks = this.#stacks.filter(({ deletedAt }) => deletedAt === undefined || now - deletedAt < DELETED_KEPT_MS);
    this.#stacks.push(stack);
  }

  /** By name (stacks that exist) or id (deleted ones, too). */
  find(nameOrId: string): Stack | undefined {
    if (nameOrId.startsWith('arn:')) return this.#stacks.find(({ id }) => id === nameOrId);
    return this.existing().find(({ name }) => name === nameOrId);
  }

  /** Throws CloudFormation's `ValidationError` if there is none. */
  require(nameOrId: string): Stack {
    const stack = this.find(nameOrId);
    if (!stack || stack.status === 'DELETE_COMPLETE') throw new ServiceError('ValidationError', `Stack [${nameOrId}] does not exist`);
    return stack;
  }

  /** What is being deleted exports nothing any more. */
  exported(name: string): Exported {
    const exporter = this.existing().find(({ exports, status }) => exports.has(name) && status !== 'DELETE_IN_PROGRESS');
    const found = exporter && exportsOf(exporter).find((exported) => exported.name === name);
    if (!found) throw new MissingExportError(name);
    return found;
  }

  importers(exportName: string): string[] {
    return this.existing().filter(({ imports }) => imports.has(exportName)).map(({ name }) => name);
  }

  /** The first stack that imports one of a stack's exports. */
  userOf(stack: Stack): { exportName: string; stackName: string } | undefined {
    for (const exportName of stack.exports.keys()) {
      const stackName = this.importers(exportName).find((name) => name !== stack.name);
      if (stackName !== undefined) return { exportName, stackName };
    }
    return undefined;
  }

  /** Throws if another stack uses an export that would change, or has one of the same name. */
  checkExports(stack: Stack, exports: ReadonlyMap<string, string>): void {
    for (const [name, value] of stack.exports) {
      const user = this.importers(name).find((other) => other !== stack.name);
      if (user === undefined || exports.get(name) === value) continue;
      const verb = exports.has(name) ? 'updated' : 'deleted';
      throw new Error(`Export ${name} cannot be ${verb} as it is in use by ${user}`);
    }
    for (const name of exports.keys()) {
      const owner = this.existing().find((other) => other !== stack && other.exports.has(name));
      if (owner) throw new Error(`Export with name ${name} is already exported by stack ${owner.name}.`);
    }
  }
}
