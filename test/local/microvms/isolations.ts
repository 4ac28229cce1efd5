import { spawnSync } from 'node:child_process';
import type { Isolation } from '../../../local/src/microvms';

/** Asked at load time, because a test that cannot run here has to skip by name. */
const namespacesWork = spawnSync('unshare', [
  '--user', '--map-root-user', '--mount', '--pid', '--fork', '--net', '--ipc', '--uts', 'sh', '-c',
  'mount -t tmpfs t /mnt && cd /mnt && mkdir u w r && mount -t overlay o -o lowerdir=/usr,upperdir=u,workdir=w r && mount -t proc proc /proc',
], { timeout: 10_000 }).status === 0;

export function describeEachIsolation(body: (isolation: Isolation) => void): void {
  describe('in processes', () => body('processes'));
  describeNamespaces(() => body('namespaces'));
}

export function describeNamespaces(body: () => void): void {
  if (namespacesWork) describe('in namespaces', body);
  else describe.skip('in namespaces: this machine refuses them', body);
}
