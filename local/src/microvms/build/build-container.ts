import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContainerBuildError } from './build-error';
import type { BuildLog } from './build-log';
import { type ContainerEngine, FOLDER_LABEL, NAME_PREFIX } from '../container/container-engine';
import { referenceIn } from '../container/image-reference';
import { rootfsOf, writeLayout } from '../images/image-layout';

export interface ContainerBuild {
  /** Holds the unpacked artifact. */
  readonly context: string;
  /** The image version's own; the engine's image goes when it is gone. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Builds the Dockerfile with the engine. In the place of the image's files lies the name of the engine's image. */
export async function buildContainer(engine: ContainerEngine, build: ContainerBuild, log: BuildLog): Promise<void> {
  const { context, folder, signal } = build;
  const tag = `${NAME_PREFIX}/${randomUUID()}`;
  const command = ['build', '--tag', tag, '--label', `${FOLDER_LABEL}=${folder}`, '--file', join(context, 'Dockerfile'), context];
  const { code, tail } = await engine.run(command, { signal, onLine: (line) => log.printed(line) });
  if (code !== 0) throw new ContainerBuildError(`${engine.name} build failed with exit code ${code}: ${tail.split('\n').at(-1)}`);
  const exposed = await engine.must(['image', 'inspect', '--format', '{{json .Config.ExposedPorts}}', tag]);
  await mkdir(rootfsOf(folder), { recursive: true });
  await writeFile(referenceIn(rootfsOf(folder)), tag);
  // How the container starts is in the engine's image.
  await writeLayout(folder, { command: [], workingDirectory: '/', environment: {}, ports: readPorts(exposed) });
}

/** As in `{"8080/tcp":{}}`. */
function readPorts(exposed: string): number[] {
  const ports: unknown = JSON.parse(exposed || '{}');
  return Object.keys(ports ?? {}).map((port) => Number.parseInt(port, 10)).filter((port) => port > 0 && port < 65_536);
}
