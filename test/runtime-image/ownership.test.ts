import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileSystem } from '../../runtime-image/daemon/files/file-system';
import { PinnedDirectory } from '../../runtime-image/daemon/files/pinned-directory';
import { Reach } from '../../runtime-image/daemon/files/reach';

const USER = { uid: 54321, gid: 54321 };

/** Giving files away takes root. */
(process.getuid?.() === 0 && existsSync('/proc/self/fd') ? describe : describe.skip)('what is new goes to the sandbox\'s user', () => {
  let root: string;
  let parent: PinnedDirectory;
  let files: FileSystem;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'ownership-'));
    await chmod(root, 0o755);
    parent = await PinnedDirectory.open(root, true);
    files = new FileSystem(await Reach.open('/home/sandbox', root), { name: 'sandbox', home: '/home/sandbox', switchTo: USER }, 0);
  });
  afterEach(async () => {
    await parent.close();
    await rm(root, { recursive: true });
  });

  test('a directory and a symbolic link, not what the link points to', async () => {
    await writeFile(join(root, 'file'), '');
    await symlink('file', join(root, 'link'));
    await files.own({ link: parent.child('link') });
    expect((await lstat(join(root, 'link'))).uid).toBe(USER.uid);
    expect((await stat(join(root, 'file'))).uid).toBe(0);
    await (await files.enter(parent, 'directory', false)).directory.close();
    expect((await stat(join(root, 'directory'))).uid).toBe(USER.uid);
  });

  test('a file of root\'s that took the place of a new link stays root\'s', async () => {
    await writeFile(join(root, 'private'), 'x', { mode: 0o600 });
    await files.own({ link: parent.child('private') });
    expect((await stat(join(root, 'private'))).uid).toBe(0);
  });

  test('a directory of root\'s that took the place of a new one stays root\'s', async () => {
    await mkdir(join(root, 'private'));
    await writeFile(join(root, 'private/key'), 'x');
    const makeThenSwap = async (name: string) => {
      await mkdir(join(root, name));
      await rename(join(root, name), join(root, 'aside'));
      await rename(join(root, 'private'), join(root, name));
      return true;
    };
    Object.defineProperty(parent, 'makeChild', { value: makeThenSwap });
    await (await files.enter(parent, 'new', false)).directory.close();
    expect((await stat(join(root, 'new'))).uid).toBe(0);
  });
});
