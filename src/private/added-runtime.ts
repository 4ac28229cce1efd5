import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'fs';
import { join } from 'path';
import { readInstructions } from './dockerfile-instructions';
import { SET_UP_SCRIPT } from './set-up-script';
import { shippedAsset } from './shipped-assets';
import { DAEMON_FILE, DOCKERFILE, INIT_FILE } from '../contract/runtime';
import { ValidationError } from '../validation-error';

/** Folder of the build context that is ours. */
const FOLDER = '.microvm-sandbox';
const SET_UP_FILE = 'set-up.sh';
const TARGET = '/opt/microvm-sandbox';

/** Adds the sandbox runtime to a build context of the user's own: files beside his, and lines at the end of the last stage. */
export function addRuntime(context: string): void {
  const folder = join(context, FOLDER);
  if (existsSync(folder)) {
    throw new ValidationError(`ImageSource.directory: with runtime the folder '${FOLDER}' is the construct's own; rename or exclude yours`);
  }
  checkEnd(readFileSync(join(context, DOCKERFILE), 'utf8'));
  mkdirSync(folder);
  const runtime = shippedAsset('runtime-image', DOCKERFILE, INIT_FILE, DAEMON_FILE);
  for (const file of [INIT_FILE, DAEMON_FILE]) copyFileSync(join(runtime, file), join(folder, file));
  writeFileSync(join(folder, SET_UP_FILE), SET_UP_SCRIPT);
  append(join(context, DOCKERFILE), runtimeLines(nodeImage(join(runtime, DOCKERFILE))));
  // BuildKit reads one of the two. The last line that matches decides.
  for (const file of ['.dockerignore', `${DOCKERFILE}.dockerignore`]) {
    if (existsSync(join(context, file))) append(join(context, file), [`!${FOLDER}`, `!${FOLDER}/**`]);
  }
}

/** Lines at the end of a file that is open there would become part of its last instruction. */
function checkEnd(dockerfile: string): void {
  const { openEnd } = readInstructions(dockerfile);
  if (openEnd === undefined) return;
  throw new ValidationError(`ImageSource.directory: with runtime lines are added to the Dockerfile, and yours ends ${openEnd}; complete its last instruction`);
}

/** The image that our own Dockerfile is based on: its Node runs the daemon wherever the daemon is. */
function nodeImage(dockerfile: string): string {
  const image = /^FROM\s+(\S+)/m.exec(readFileSync(dockerfile, 'utf8'))?.[1];
  if (image === undefined) throw new ValidationError('the Dockerfile of the sandbox runtime has no FROM');
  return image;
}

/** Whatever the stage did before: another user, SHELL, ENTRYPOINT or CMD of it changes nothing here. */
function runtimeLines(node: string): string[] {
  const files = [DAEMON_FILE, INIT_FILE, SET_UP_FILE].map((file) => `${FOLDER}/${file}`);
  return [
    '# The sandbox runtime.',
    'USER root',
    // Beside the daemon and not in the PATH: the user's own Node stays what it is.
    `COPY --from=${node} /usr/local/bin/node ${TARGET}/node`,
    `COPY ${files.join(' ')} ${TARGET}/`,
    `RUN ${JSON.stringify(['/bin/bash', `${TARGET}/${SET_UP_FILE}`])}`,
    'WORKDIR /workspace',
    // Both, or the former would be handed to our program, or ours to the former's.
    'ENTRYPOINT ["/bin/bash"]',
    `CMD ${JSON.stringify([`${TARGET}/${INIT_FILE}`])}`,
  ];
}

function append(file: string, lines: string[]): void {
  // What is staged may be read-only as its original.
  chmodSync(file, 0o644);
  writeFileSync(file, ['', ...lines, ''].join('\n'), { flag: 'a' });
}
