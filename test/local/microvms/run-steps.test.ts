import { guest } from './guests';
import { describeNamespaces } from './isolations';
import { MicrovmCloud } from './microvm-cloud';

const DOCKERFILE = `FROM scratch AS build
WORKDIR /workspace
COPY guest.js /opt/guest.js
RUN echo made > /opt/made && ln -s /opt/made /etc/linked && chmod 4755 /opt/guest.js
RUN rm /etc/profile && rm -r /usr/share/doc && mkdir -p /usr/share/doc && echo new > /usr/share/doc/new
RUN echo 'added:x:1234:1234::/:/bin/sh' >> /etc/passwd
RUN printf '#!/bin/sh\\nexec node /opt/guest.js\\n' > /usr/local/bin/main && chmod +x /usr/local/bin/main
FROM build
COPY --from=build /usr/share/doc /etc/ /copied/
CMD ["main"]
`;

const FILES = guest(`
const read = (path) => { try { return fs.readFileSync(path, 'utf8'); } catch (error) { return error.code; } };
listen(8080, (request, response) => response.end(JSON.stringify({
  made: read('/etc/linked'), profile: read('/etc/profile'), doc: fs.readdirSync('/usr/share/doc'), copied: fs.readdirSync('/copied'), etc: fs.readdirSync('/etc').includes('profile'),
  added: read('/etc/passwd').includes('added:'), mode: fs.statSync('/opt/guest.js').mode.toString(8),
})));
`, DOCKERFILE);

describeNamespaces(() => {
  let cloud: MicrovmCloud;
  beforeEach(async () => {
    cloud = await new MicrovmCloud('namespaces', undefined, { timeScale: 0, runSteps: true }).open();
  });
  afterEach(() => cloud.close());

  test('a microVM sees what the RUN steps of its image made, changed and removed', async () => {
    const image = await cloud.createImage('made', FILES);
    expect([await cloud.imageState(image), cloud.warnings]).toEqual(['CREATED', []]);
    const { id, endpoint } = await cloud.run(image);
    const token = await cloud.token(id);
    await cloud.until('the guest', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
    const { body } = await cloud.fetch(endpoint, '/', { token });
    expect(JSON.parse(body)).toEqual({ made: 'made\n', profile: 'ENOENT', doc: ['new'], copied: ['linked', 'new', 'passwd'], etc: false, added: true, mode: '104755' });
  });
});
