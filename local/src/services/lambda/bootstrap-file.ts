import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The bootstrap as a file that Node runs. Out of our TypeScript sources, as in our tests, it is translated into `folder` first. */
export function bootstrapFile(folder: string): string {
  const compiled = join(__dirname, 'bootstrap.js');
  if (existsSync(compiled)) return compiled;
  // eslint-disable-next-line @typescript-eslint/no-require-imports, import/no-extraneous-dependencies -- a tool of this repository
  const { transformSync } = require('esbuild') as { transformSync(code: string, options: object): { code: string } };
  const { code } = transformSync(readFileSync(join(__dirname, 'bootstrap.ts'), 'utf8'), { loader: 'ts', format: 'cjs', target: 'node20' });
  const file = join(folder, 'bootstrap.cjs');
  writeFileSync(file, code);
  return file;
}
