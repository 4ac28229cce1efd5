import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ImageContext } from './image-context';
import { LayeredRoot } from '../../../local/src/microvms/build/layered-root';
import { findStartProblem } from '../../../local/src/microvms/build/start-check';
import type { ImageLayout } from '../../../local/src/microvms/images/image-layout';

let image: ImageContext;
beforeEach(() => {
  image = new ImageContext();
});
afterEach(() => image.remove());

/** Files as `layer/path`; what starts with `/` links there. */
function check(
  files: Readonly<Record<string, string>>, layout: Partial<ImageLayout>, complete = true,
): string | undefined {
  for (const [name, content] of Object.entries(files)) {
    const path = join(image.path, name);
    mkdirSync(dirname(path), { recursive: true });
    if (/^[./]/.test(content)) symlinkSync(content, path);
    else writeFileSync(path, content);
    if (!/^[./]/.test(content)) chmodSync(path, 0o755);
  }
  mkdirSync(join(image.path, 'image/app'), { recursive: true });
  const layer = (name: string, hidden = '') => ({ folder: join(image.path, name), sees: (path: string) => path !== hidden });
  const root = new LayeredRoot([layer('image'), layer('machine', '/hidden/tool')]);
  const full = { command: ['tool'], workingDirectory: '/app', environment: { PATH: '/bin' }, ports: [], ...layout };
  return findStartProblem(full, { root, toolPath: ['/tools'] }, complete)?.message;
}

test.each([
  ['on the PATH of the image', { 'image/bin/tool': '' }, {}],
  ['of the machine below the image', { 'machine/bin/tool': '' }, {}],
  ['in a folder of this machine\'s tools', { 'machine/tools/tool': '' }, {}],
  ['through links of both layers', { 'image/bin': '/usr/bin', 'machine/usr/bin/tool': '../lib/real', 'machine/usr/lib/real': '' }, {}],
  ['relative to the WORKDIR', { 'image/app/run': '' }, { command: ['./run'] }],
  ['as a script whose interpreter is there', { 'image/bin/tool': '#! /bin/sh -e\n', 'machine/bin/sh': '' }, {}],
])('finds the program %s', (_, files, layout) => {
  expect(check(files as Record<string, string>, layout)).toBeUndefined();
});

const MISSING = 'The program \'tool\' that the Dockerfile starts is neither in the image nor on this machine\'s PATH';

test.each([
  ['a program that no guest sees', { 'machine/hidden/tool': '' }, { environment: { PATH: '/hidden' } }, MISSING],
  ['a folder in the place of the program', { 'image/bin/tool/x': '' }, {}, MISSING],
  ['a link in circles', { 'image/bin/tool': './tool' }, {}, MISSING],
  ['an interpreter that is missing', { 'image/bin/tool': '#!/bin/sh\n' }, {}, 'The program \'tool\' that the Dockerfile starts needs /bin/sh, which is not there'],
  ['a WORKDIR that a step removed', { 'image/bin/tool': '' }, { workingDirectory: '/gone' }, 'the WORKDIR /gone is not a directory'],
  ['a user that is in no table', { 'image/bin/tool': '', 'image/etc/passwd': 'other:x:1:1' }, { user: 'me' }, 'unable to find user me: no matching entries in passwd file'],
])('fails on %s', (_, files, layout, message) => {
  expect(check(files as Record<string, string>, layout)).toBe(message);
});

test('a user that a step may have made, or a number, needs no entry', () => {
  expect(check({ 'image/bin/tool': '' }, { user: 'me' }, false)).toBeUndefined();
  expect(check({}, { user: '1000:1000' })).toBeUndefined();
});
