import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { maskedTemplate, snapshotFile, synthesizeExample } from './example';
import { EXAMPLE_STACKS } from './example-stacks';

/** `npm run snapshots`: the only thing that writes the committed templates. */
async function main(): Promise<void> {
  for (const [example, stackName] of Object.entries(EXAMPLE_STACKS)) {
    const assembly = await synthesizeExample(example);
    await mkdir(dirname(snapshotFile(stackName)), { recursive: true });
    await writeFile(snapshotFile(stackName), await maskedTemplate(assembly, stackName));
    await rm(assembly, { recursive: true });
    console.log(`renewed ${stackName}`);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
