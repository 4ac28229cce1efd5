import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXAMPLE_APPS, INTEG_APPS, snapshotFolder, synthesizeApps, templatesOf } from './synthesized-apps';

/** `npm run snapshots`: the only thing that writes the committed templates. */
async function main(): Promise<void> {
  const apps = [...EXAMPLE_APPS, ...INTEG_APPS];
  const assemblies = await synthesizeApps(apps);
  for (const app of apps) {
    await rm(snapshotFolder(app), { recursive: true, force: true });
    await mkdir(snapshotFolder(app));
    for (const [file, template] of Object.entries(await templatesOf(join(assemblies, app.name)))) {
      await writeFile(join(snapshotFolder(app), file), template);
    }
    console.log(`renewed ${app.name}`);
  }
  await rm(assemblies, { recursive: true });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
