import { Deployed, eventually, removeFolder } from './deployed';
import { synthesizeExample } from './example';
import { isolations } from './isolations';
import { converse } from '../../examples/code-agent/agent';
import { ScriptedModel } from '../../examples/code-agent/scripted-model';

let assembly: string;
let deployed: Deployed;
beforeAll(async () => {
  assembly = await synthesizeExample('code-agent');
  deployed = await Deployed.start(isolations()[0], assembly);
}, 120_000);
afterAll(async () => {
  await deployed?.stop();
  await removeFolder(assembly);
});

test('the code agent finds its files again after the platform suspended the idle sandbox', async () => {
  const { cloud, client } = deployed;
  const states = () => cloud.microvms.list().microvms.map(({ state }) => state);
  const answers = await converse({
    client,
    model: new ScriptedModel(),
    print: () => undefined,
    userThinks: async () => {
      await cloud.clock.advance({ seconds: 90 });
      await eventually(() => states().includes('SUSPENDED'), 'the idle microVM is suspended');
    },
  });

  expect(answers).toEqual(['Mar sold best.', '395 units in all.']);
  await eventually(() => states().every((state) => state === 'TERMINATED'), 'the sandbox has ended');
});
