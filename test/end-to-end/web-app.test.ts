import { UnsupportedError } from 'microvm-sandbox';
import { Deployed, removeFolder } from './deployed';
import { synthesizeExample } from './example';
import { isolations } from './isolations';
import { visit } from '../../examples/web-app/visit';

let assembly: string;
beforeAll(async () => {
  assembly = await synthesizeExample('web-app');
}, 60_000);
afterAll(() => removeFolder(assembly));

describe.each(isolations())("a web server of the user's own, microVMs in %s", (isolation) => {
  let deployed: Deployed;
  beforeAll(async () => {
    deployed = await Deployed.start(isolation, assembly);
  }, 60_000);
  afterAll(() => deployed.stop());

  test('keeps its process, memory and files over pause and resume', async () => {
    const seen = await visit(deployed.client, () => undefined);
    expect(seen.map(({ inMemory, inFile }) => [inMemory, inFile])).toEqual([[1, 1], [2, 2], [3, 3]]);
    expect(new Set(seen.map(({ pid }) => pid)).size).toBe(1);
    expect(seen[0].greeting).toBe('Hello from a microVM');
  });

  test('each sandbox starts from the image, not from what another one left', async () => {
    const seen = await visit(deployed.client, () => undefined);
    expect(seen[0]).toMatchObject({ inMemory: 1, inFile: 1 });
  });

  test('answers the errors of the server itself unchanged', async () => {
    await using sandbox = await deployed.client.create();
    expect((await sandbox.fetch(8080, '/nowhere')).status).toBe(404);
  });

  test('fails on commands and files, which need our runtime', async () => {
    await using sandbox = await deployed.client.create();
    await expect(sandbox.commands.run('true')).rejects.toBeInstanceOf(UnsupportedError);
    await expect(sandbox.files.read('visits.txt')).rejects.toBeInstanceOf(UnsupportedError);
  });
});
