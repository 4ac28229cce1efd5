import { homedir, userInfo } from 'node:os';
import { findIdentities } from '../../runtime-image/daemon/identity';

const passwd = 'root:x:0:0:root:/root:/bin/bash\nsandbox:x:1000:1001::/home/sandbox:/bin/bash\n';
const everyUid = '         0          0 4294967295\n';
const own = { name: userInfo().username, home: homedir() };
const root = { name: 'root', home: '/root' };

test('a daemon that is root runs commands as the image\'s user', () => {
  expect(findIdentities(undefined, { uid: 0, passwd, uidMap: everyUid })).toEqual({
    sandbox: { name: 'sandbox', home: '/home/sandbox', switchTo: { uid: 1000, gid: 1001 } }, root,
  });
});

test.each([
  ['the image has no such user', { uid: 0, passwd: 'root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/sh', uidMap: everyUid }],
  ['its uid is not mapped', { uid: 0, passwd, uidMap: '         0       1000          1\n' }],
  ['its uid is one past the mapped ones', { uid: 0, passwd, uidMap: '0 0 1000\n' }],
  ['nothing is known', { uid: 0, passwd: '', uidMap: '' }],
])('a daemon that is root runs commands as itself if %s', (_, system) => {
  expect(findIdentities(undefined, system)).toEqual({ sandbox: own, root });
});

test('a daemon that is not root runs commands as itself, and none as root', () => {
  expect(findIdentities(undefined, { uid: 1000, passwd, uidMap: everyUid })).toEqual({ sandbox: own });
});

test('a given home is that of the daemon\'s own user', () => {
  const system = { uid: 0, passwd, uidMap: everyUid };
  expect(findIdentities('/home/other', system)).toEqual({ sandbox: { ...own, home: '/home/other' }, root });
});
