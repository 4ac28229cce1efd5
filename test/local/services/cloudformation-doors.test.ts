import { DeleteStackCommand, UpdateStackCommand } from '@aws-sdk/client-cloudformation';
import { CfnResource, type Stack } from 'aws-cdk-lib';
import { CloudFormationFixture, parameters } from './cloudformation-fixture';
import { removeAssemblies, synthesize } from '../deploy/synthesized';

const fixture = new CloudFormationFixture();
beforeAll(() => fixture.start());
afterAll(async () => {
  removeAssemblies();
  await fixture.stop();
});
afterEach(() => fixture.deleteStacks());

const { create, describe: described, settled } = fixture;
const send = fixture.send.bind(fixture);

const assembly = () => synthesize((stack: Stack) => {
  new CfnResource(stack, 'A', { type: 'AWS::SSM::Parameter', properties: { Type: 'String', Value: 'deployed' } });
}, 'One');

test('a stack of an assembly is described, changed and deleted through the API', async () => {
  const { deployer } = fixture.cloud;
  await deployer.deploy(assembly());
  const { StackId = '' } = await described('One') ?? {};
  expect(await described('One')).toMatchObject({ StackStatus: 'CREATE_COMPLETE' });
  await send(new UpdateStackCommand({ StackName: 'One', UsePreviousTemplate: true, Tags: [{ Key: 'by', Value: 'the API' }] }));
  // What is under way through one door keeps the other waiting.
  await deployer.deploy(assembly());
  // The assembly has none.
  expect(await described('One')).toMatchObject({ StackStatus: 'UPDATE_COMPLETE', Tags: [] });
  await send(new DeleteStackCommand({ StackName: 'One' }));
  await settled(StackId);
  expect(deployer.stacks()).toEqual([]);
});

test('a stack that the API made is changed by an assembly, and destroyed', async () => {
  const { deployer } = fixture.cloud;
  const { StackId } = await create('One', parameters(['A', 'B']));
  const [stack] = await deployer.deploy(assembly());
  expect(stack.resources.map(({ logicalId }) => logicalId)).toEqual(['A']);
  expect(await described('One')).toMatchObject({ StackId, StackStatus: 'UPDATE_COMPLETE' });
  await deployer.destroy('One');
  await expect(described('One')).rejects.toMatchObject({ message: 'Stack with id One does not exist' });
});
