/* eslint-disable no-bitwise -- file modes are bit fields */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ImageContext, tree } from './image-context';
import { describeNamespaces } from './isolations';
import { eventually, processesWith } from './machine-probe';
import { namespaceRunStep, type RunStep } from '../../../local/src/microvms/build/run-step';

const STEPS = `FROM scratch AS build
ARG WHO=world
ENV GREETING="hello there"
WORKDIR /srv/app
COPY tool /usr/local/bin/tool
RUN chmod +x /usr/local/bin/tool && \\
    # a comment, as many Dockerfiles have it
    tool "$GREETING $WHO $HOME $PWD" > said
RUN ["sh", "-c", "mkdir -p /opt/x && echo \\"$0\\" > /opt/x/words", "two words"]
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN [[ a == a* ]] && echo bash > /etc/shell-was
USER 65534
RUN echo "$HOME" > /home-was
USER root
RUN <<END
cat /opt/x/words
ln -s /opt/x /etc/link
echo done >> /srv/app/said
END
RUN <<SCRIPT
#!/usr/bin/env -S cat
printed as it is
SCRIPT
RUN cat <<ONE > /one
$GREETING
ONE
FROM scratch
COPY --from=build /srv/app/said /opt/x/words /etc/shell-was /one /home-was /result/
COPY --from=build /etc/link /link
CMD ["x"]`;

describeNamespaces(() => {
  let image: ImageContext;
  let ending: AbortController;
  let run: RunStep;
  beforeEach(() => {
    image = new ImageContext();
    ending = new AbortController();
    run = namespaceRunStep(join(image.folder, 'run'), [image.folder], ending.signal);
  });
  afterEach(() => image.remove());

  const assemble = (dockerfile: string, files = {}) => image.assemble(dockerfile, files, run);

  test('RUN writes into the image, with the settings so far, and later steps see it', async () => {
    const { rootfs, leftOut } = await assemble(STEPS, { tool: '#!/bin/sh\necho "$@"\n' });
    expect(leftOut).toEqual([]);
    expect(readFileSync(join(rootfs, 'result/said'), 'utf8')).toBe('hello there world /root /srv/app\ndone\n');
    expect(['words', 'shell-was', 'one'].map((name) => readFileSync(join(rootfs, 'result', name), 'utf8')))
      .toEqual(['two words\n', 'bash\n', 'hello there\n']);
    expect(readFileSync(join(rootfs, 'result/home-was'), 'utf8')).toMatch(/^\/\w+\n$/);
    expect(tree(rootfs)).toContain('link/words');
    const said = image.log.lines.filter((line) => /^#\d+ \d+\.\d{3} /.test(line)).map((line) => line.replace(/^\S+ \S+ /, ''));
    expect(said).toEqual(['two words', '#!/usr/bin/env -S cat', 'printed as it is']);
    expect(processesWith(image.folder)).toEqual([]);
  });

  test('RUN changes files of this machine in the image only', async () => {
    const before = readFileSync('/etc/passwd', 'utf8');
    const { rootfs } = await assemble(`FROM scratch
RUN echo 'added:x:1234:1234::/:/bin/sh' >> /etc/passwd && rm /etc/profile && chmod 700 /usr/bin/env
RUN test ! -e /etc/profile && grep -q added /etc/passwd && test "$(stat -c %a /usr/bin/env)" = 700
CMD ["x"]`);
    expect(readFileSync('/etc/passwd', 'utf8')).toBe(before);
    expect(readFileSync(join(rootfs, 'etc/passwd'), 'utf8')).toBe(`${before}added:x:1234:1234::/:/bin/sh\n`);
    expect(statSync(join(rootfs, 'etc/profile')).isCharacterDevice()).toBe(true);
    expect(statSync('/usr/bin/env').mode & 0o777).toBe(0o755);
    expect(['proc', 'dev', 'sys', 'tmp'].filter((name) => existsSync(join(rootfs, name)))).toEqual([]);
  });

  test('what a stage did is there in a stage that is based on it', async () => {
    const { rootfs } = await assemble(`FROM scratch AS a
RUN rm /etc/profile && echo a > /a
FROM a
RUN test ! -e /etc/profile && cat /a > /b
CMD ["x"]`);
    expect(readFileSync(join(rootfs, 'b'), 'utf8')).toBe('a\n');
  });

  test('RUN has no network, no rights on this machine, and sees neither its processes nor its other files', async () => {
    await assemble(`FROM scratch
RUN test -z "$(grep -v -e Inter- -e face -e ' lo:' /proc/net/dev)"
RUN ! mount -t tmpfs t /mnt 2>/dev/null
RUN test "$(ls /proc | grep -c '^[0-9]')" -lt 6
RUN test ! -e ${image.folder} && test ! -e ${__dirname}
CMD ["x"]`);
  });

  test('fails with the exit code, after the output, and says that there is no network', async () => {
    expect(await image.failure('FROM scratch\nRUN echo before; exit 3\nRUN echo never', {}, run))
      .toBe('process "/bin/sh -c echo before; exit 3" did not complete successfully: exit code: 3 (line 2)');
    expect(image.log.lines.slice(5, 9)).toEqual([
      '#3 [2/3] RUN echo before; exit 3', expect.stringMatching(/^#3 \d+\.\d{3} before$/),
      '#3 a step has no network here; what it fetches from elsewhere fails',
      '#3 ERROR: process "/bin/sh -c echo before; exit 3" did not complete successfully: exit code: 3',
    ]);
    expect(image.log.lines).not.toContain('#4 [3/3] RUN echo never');
  });

  test('RUN that needs what only an engine mounts is left out', async () => {
    const { leftOut } = await assemble(`FROM scratch
RUN --mount=type=secret,id=x cat /run/secrets/x
RUN --mount=type=cache,target=/var/cache true
CMD ["x"]`);
    expect(leftOut).toEqual([
      'RUN --mount=type=secret,id=x cat /run/secrets/x (line 2): --mount=type=secret,id=x needs a container engine',
    ]);
  });

  test('a step under way is killed with all its processes when the cloud closes', async () => {
    const mark = `9${Math.floor(Math.random() * 1e9)}.5`;
    const building = assemble(`FROM scratch\nRUN (setsid sleep ${mark} &); sleep ${mark}`).catch((error: Error) => error.name);
    await eventually('the step', () => processesWith(`sleep\0${mark}`).length === 2);
    ending.abort();
    expect(await building).toBe('AbortError');
    await eventually('the end', () => processesWith(mark).length === 0);
  });
});
