import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { guest } from './guests';
import { ImageContext, tree } from './image-context';
import { describeEachIsolation } from './isolations';
import { MicrovmCloud } from './microvm-cloud';
import { externalImages } from '../../../local/src/microvms/build/external-images';

const NODE = 'public.ecr.aws/docker/library/node:24-bookworm-slim';

describe('a single program that is copied from an image that nobody fetches', () => {
  let image: ImageContext;
  beforeEach(() => {
    image = new ImageContext();
  });
  afterEach(() => image.remove());

  test('has this machine\'s own of that name in its place', async () => {
    const { rootfs, leftOut, standIns } = await image.assemble(
      `FROM scratch AS base\nWORKDIR /opt\nCOPY --from=${NODE} /usr/local/bin/node /opt/own/runtime\nCOPY --from=${NODE} /usr/local/bin/node ./\n`
      + 'FROM base\nCOPY --from=base /opt/own/runtime /copied/\nCMD ["/opt/own/runtime"]\n',
    );
    expect(tree(rootfs)).toEqual(['copied/runtime', 'opt/node', 'opt/own/runtime']);
    for (const path of tree(rootfs)) {
      expect(execFileSync(join(rootfs, path), ['-p', '"hello " + process.argv.length', 'a b'], { encoding: 'utf8' })).toBe('hello 2\n');
    }
    expect(leftOut).toEqual([]);
    expect(standIns).toEqual([
      `this machine's own node stands in: COPY --from=${NODE} /usr/local/bi... (line 3)`,
      `this machine's own node stands in: COPY --from=${NODE} /usr/local/bi... (line 4)`,
    ]);
    expect(image.log.lines.join('\n')).toContain('this machine\'s own node stands in');
  });

  test('has the mode that is asked for', async () => {
    const { rootfs } = await image.assemble(`FROM scratch\nCOPY --chmod=700 --from=${NODE} /usr/local/bin/node /node\nCMD ["/node"]\n`);
    expect((statSync(join(rootfs, 'node')).mode % 0o1000).toString(8)).toBe('700');
    expect(readFileSync(join(rootfs, 'node'), 'utf8')).toMatch(/^#!\/bin\/sh\nexec '\/.*node' "\$@"\n$/);
  });

  test.each([
    ['a program that this machine does not have', '/usr/bin/no-such-program /x'],
    ['several', '/usr/bin/node /usr/bin/sh /x/'],
    ['a folder', '/usr/local/bin/ /x/'],
    ['a file that is no program', '/etc/passwd /x'],
  ])('is left out if it is %s', async (_, words) => {
    const { rootfs, leftOut, standIns } = await image.assemble(`FROM scratch\nCOPY --from=${NODE} ${words}\nCMD ["sh"]\n`);
    expect([tree(rootfs), standIns]).toEqual([[], []]);
    expect(leftOut).toEqual([expect.stringContaining('no other image is fetched')]);
  });
});

describeEachIsolation((isolation) => {
  test('a guest runs the program that stands in', async () => {
    const cloud = await new MicrovmCloud(isolation).open();
    try {
      const Dockerfile = `FROM scratch\nCOPY --from=${NODE} /usr/local/bin/node /opt/own/node\nWORKDIR /workspace\nCOPY guest.js /opt/guest.js\nCMD ["/opt/own/node", "/opt/guest.js"]\n`;
      const imageArn = await cloud.createImage('own', guest('listen(8080, (request, response) => response.end(process.version));', Dockerfile));
      expect(await cloud.imageState(imageArn)).toBe('CREATED');
      const { id, endpoint } = await cloud.run(imageArn);
      const token = await cloud.token(id);
      await cloud.until('the guest', async () => (await cloud.fetch(endpoint, '/', { token })).body === process.version);
      expect(cloud.warnings).toEqual([expect.stringContaining('Image own: this machine\'s own node stands in: COPY')]);
    } finally {
      await cloud.close();
    }
  });
});

test('images from elsewhere are those of FROM and COPY that are no stages', () => {
  expect(externalImages(`ARG TAG=1
FROM one:$TAG AS build
FROM scratch
FROM build AS last
COPY --from=build /a /b
COPY --from=0 /a /b
COPY --from=Two:2 /a /b
COPY --from=two:2 /a /c
RUN true
FROM one:1
`)).toEqual(['one:1', 'Two:2', 'two:2']);
  expect(externalImages('NONSENSE')).toEqual([]);
});
