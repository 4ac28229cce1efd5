import { existsSync } from 'node:fs';
import { type ContainerEngine, FOLDER_LABEL, NAME_PREFIX, OWNER_LABEL } from './container-engine';
import { removeContainer } from './container-machine';
import { identity, listProcesses } from '../machine/process-table';

/**
 * Removes containers whose local cloud is gone, and images whose folder is. A label alone is no proof, as an image from elsewhere can
 * carry any: the name has to be one of ours, too.
 */
export async function removeLeftovers(engine: ContainerEngine): Promise<void> {
  const alive = new Set(listProcesses().map(identity));
  const containers = lines(await engine.must(['ps', '--all', '--quiet', '--filter', `label=${OWNER_LABEL}`]));
  for (const id of containers) {
    const found = await inspect(engine, 'container', id, `{{.Name}} {{index .Config.Labels "${OWNER_LABEL}"}}`);
    const [name = '', owner = ''] = found?.split(' ') ?? [];
    if (name.replace(/^\//, '').startsWith(`${NAME_PREFIX}-`) && !alive.has(owner)) await removeContainer(engine, id);
  }
  const images = lines(await engine.must(['images', '--format', '{{.Repository}}', '--filter', `label=${FOLDER_LABEL}`]));
  for (const repository of images.filter((name) => name.replace(/^localhost\//, '').startsWith(`${NAME_PREFIX}/`))) {
    const folder = await inspect(engine, 'image', repository, `{{index .Config.Labels "${FOLDER_LABEL}"}}`);
    // A microVM that still runs from it keeps it.
    if (folder !== undefined && !existsSync(folder)) await engine.run(['rmi', repository]);
  }
}

/** Undefined: it has gone meanwhile. */
async function inspect(
  engine: ContainerEngine, kind: string, name: string, format: string,
): Promise<string | undefined> {
  const { code, output } = await engine.run([kind, 'inspect', '--format', format, name]);
  return code === 0 ? output : undefined;
}

function lines(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter(Boolean);
}
