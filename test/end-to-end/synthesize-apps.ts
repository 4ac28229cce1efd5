import { join } from 'node:path';

/** Arguments: a folder for the assemblies, then name and file of each app. An app synthesizes itself when this process ends. */
async function main([outdir, ...apps]: readonly string[]): Promise<void> {
  for (let index = 0; index < apps.length; index += 2) {
    // What the CDK CLI tells an app when it starts it.
    process.env.CDK_OUTDIR = join(outdir, apps[index]);
    await import(apps[index + 1]);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
