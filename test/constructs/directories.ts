import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const made: string[] = [];

/** A directory with these files, removed after the tests of the file. */
export function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'constructs-test-'));
  made.push(directory);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  return directory;
}

/** A build context of the user's own. */
export const DOCKERFILE_DIRECTORY = directoryWith({ 'Dockerfile': 'FROM scratch\n', 'server.js': '' });

afterAll(() => made.forEach((directory) => rmSync(directory, { recursive: true })));
