import { join } from 'node:path';
import { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import { type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { accessTo, removeFolder } from './deployed';
import { IntegDeployment } from './integ-deployment';
import { isolations } from './isolations';
import {
  committedTemplates, EXAMPLE_APPS, INTEG_APPS, stacksForRegion, synthesizeApps, templatesOf, validationFindings,
} from './synthesized-apps';
import { NOTHING_LEFT } from '../local/nothing-left';

const ALL = [...EXAMPLE_APPS, ...INTEG_APPS];
const DEFECTIVE = { name: 'defective', file: join(__dirname, 'defective-app.ts') };

let assemblies: string;
beforeAll(async () => {
  assemblies = await synthesizeApps([...ALL, DEFECTIVE]);
}, 120_000);
afterAll(() => assemblies && removeFolder(assemblies));

describe.each(ALL)('the app $name', (app) => {
  test('has the committed templates; npm run snapshots renews them', async () => {
    expect(await templatesOf(join(assemblies, app.name))).toEqual(await committedTemplates(app));
  });

  test("is without a finding of the CDK's own check of templates", async () => {
    expect(await validationFindings(join(assemblies, app.name))).toEqual([]);
  });
});

test("fails the CDK's own check with a template that CloudFormation would refuse", async () => {
  expect(await validationFindings(join(assemblies, DEFECTIVE.name))).toContainEqual(expect.stringContaining('MaxSessionDuration'));
});

describe('on the local cloud', () => {
  const deployments = new Map<string, Promise<IntegDeployment>>();
  let cloud: LocalCloud;
  let microvms: LambdaMicrovmsClient;

  beforeAll(async () => {
    // Each image runs once here: no spares for a second time.
    cloud = await startLocalCloud({ isolation: isolations()[0], quotas: true, spares: 0 });
    microvms = new LambdaMicrovmsClient(accessTo(cloud));
    for (const { name } of INTEG_APPS) deployments.set(name, deploy(name));
    // Which of them failed is told by its own test.
    await Promise.allSettled(deployments.values());
  }, 240_000);
  afterAll(async () => {
    for (const deployed of await Promise.allSettled(deployments.values())) {
      if (deployed.status === 'fulfilled') await deployed.value[Symbol.asyncDispose]();
    }
    microvms?.destroy();
    await cloud?.stop();
  });

  async function deploy(name: string): Promise<IntegDeployment> {
    const assembly = join(assemblies, name);
    const names = await stacksForRegion(assembly, cloud.environment.AWS_REGION);
    const stacks = await cloud.deploy(assembly, { stacks: names });
    return new IntegDeployment({ cloud, stacks, assembly, microvms });
  }

  async function deploymentOf(name: string): Promise<IntegDeployment> {
    const deployment = await deployments.get(name);
    if (deployment === undefined) throw new Error(`${name} is not deployed`);
    return deployment;
  }

  test.each(INTEG_APPS)('$name does what it is for', async ({ name, file }) => {
    const module = await import(file.replace(/\.ts$/, '.assertions')) as { assertions(deployment: IntegDeployment): Promise<void> };
    expect.hasAssertions();
    await module.assertions(await deploymentOf(name));
  }, 60_000);

  test('nothing is left when the stacks are deleted', async () => {
    await Promise.all(INTEG_APPS.map(async ({ name }) => {
      for (const { stackName } of [...(await deploymentOf(name)).stacks].reverse()) await cloud.destroy(stackName);
    }));
    expect(cloud.inventory()).toEqual(NOTHING_LEFT);
  }, 60_000);
});
