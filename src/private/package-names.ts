import { ValidationError } from '../validation-error';

/** A list of packages that a build installs. */
export interface PackageList {
  /** The prop as the user typed it. */
  readonly prop: string;
  readonly pattern: RegExp;
  readonly example: string;
}

const PYTHON_VERSION = '(?:===|==|~=|!=|<=|>=|<|>)[A-Za-z0-9][A-Za-z0-9.*+!_-]*';

export const PYTHON_PACKAGES: PackageList = {
  prop: 'pythonPackages',
  pattern: new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]*(?:\\[[A-Za-z0-9._,-]+\\])?(?:${PYTHON_VERSION}(?:,${PYTHON_VERSION})*)?$`),
  example: 'pandas, pandas[excel], pandas==2.3.1 or pandas>=2,<3',
};

export const NODE_PACKAGES: PackageList = {
  prop: 'nodePackages',
  pattern: /^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*(?:@[\^~]?[A-Za-z0-9][A-Za-z0-9.*+_-]*)?$/,
  example: 'typescript, @types/node or typescript@^5.9.0',
};

export const SYSTEM_PACKAGES: PackageList = {
  prop: 'systemPackages',
  pattern: /^[a-z0-9][a-z0-9.+-]*(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$/,
  example: 'jq or jq=1.6-2.1',
};

/** Refuses what is not a plain package name: it would become an option or a command of the build. */
export function checkPackageNames({ prop, pattern, example }: PackageList, names: readonly string[] = []): void {
  for (const name of names) {
    if (!pattern.test(name)) {
      throw new ValidationError(`${prop}: '${name}' is not a package name; write it like ${example}, without spaces, options or URLs`);
    }
  }
}
