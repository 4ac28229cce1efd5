import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Clients of the SDK that Lambda's runtime carries and that CDK's own handlers load from there. */
const CLIENTS = ['@aws-sdk/client-lambda', '@aws-sdk/client-s3', '@aws-sdk/client-sfn'];

/** A folder for NODE_PATH with these clients and nothing else: a function that forgot to bundle another package fails here, too. */
export function linkRuntimeModules(folder: string): string {
  const modules = join(folder, 'runtime', 'node_modules');
  rmSync(modules, { recursive: true, force: true });
  for (const client of CLIENTS) {
    const link = join(modules, client);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(dirname(require.resolve(`${client}/package.json`)), link, 'junction');
  }
  return modules;
}
