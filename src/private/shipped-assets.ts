import { existsSync } from 'fs';
import { join } from 'path';
import { ValidationError } from '../validation-error';

const ASSETS = join(__dirname, '..', '..', 'assets');

/** Folder of a bundled handler, or of the runtime image's build context, as the package ships it. */
export function shippedAsset(folder: string, ...files: string[]): string {
  const path = join(ASSETS, folder);
  for (const file of files) {
    if (!existsSync(join(path, file))) {
      throw new ValidationError(`${join(path, file)} is missing: in a checkout of cdk-microvm-sandbox run \`npx projen bundle\` first`);
    }
  }
  return path;
}
