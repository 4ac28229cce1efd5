import { Duration } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { SandboxPoolProps } from 'cdk-microvm-sandbox';
import {
  EgressPolicy, IdlePolicy, ImageSource, IngressPolicy, SandboxImage, SandboxNetwork, SandboxPool,
} from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { LAMBDA_ARN, MANAGED_CONNECTOR, newStack, poolConfigurations, statementsOf } from './synthesized';

/** A pool of an image without our runtime. */
function poolWith(props: SandboxPoolProps = {}, stack = newStack()) {
  const image = SandboxImage.fromSandboxImageAttributes(stack, 'Theirs', { imageArn: `${LAMBDA_ARN}:microvm-image:theirs`, imageVersion: '3.0' });
  return { stack, pool: new SandboxPool(stack, 'Pool', { image, ...props }) };
}

const passed = (role: string, stack: ReturnType<typeof newStack>) => (
  statementsOf(stack, role).filter(({ Action }) => Action.includes('lambda:PassNetworkConnector')).flatMap(({ Resource }) => Resource)
);

describe('ingress', () => {
  test.each([
    ['requests by default', {}, IngressPolicy.HTTP, ['HTTP_INGRESS']],
    ['requests where it is said', { endpointAccess: true, shellAccess: false }, IngressPolicy.HTTP, ['HTTP_INGRESS']],
    ['requests and a shell, and never ALL_INGRESS', { shellAccess: true }, IngressPolicy.HTTP_AND_SHELL, ['HTTP_INGRESS', 'SHELL_INGRESS']],
    ['nothing', { endpointAccess: false }, IngressPolicy.NONE, ['NO_INGRESS']],
  ])('is %s', (_, props, ingress, names) => {
    const { stack, pool } = poolWith(props);
    const arns = names.map((name) => `${MANAGED_CONNECTOR}:${name}`);
    expect(pool.networkPolicy.ingress).toBe(ingress);
    expect(poolConfigurations(stack).map(({ ingressConnectorArns }) => ingressConnectorArns)).toEqual([arns, arns]);
    for (const role of ['PoolAllocatorRole', 'PoolKeeperRole']) {
      expect(passed(role, stack)).toEqual([...arns, `${MANAGED_CONNECTOR}:INTERNET_EGRESS`]);
    }
  });

  test('fails on a shell without an endpoint', () => {
    expect(() => poolWith({ endpointAccess: false, shellAccess: true }))
      .toThrow('shellAccess: the shell is reached through the endpoint, and endpointAccess is false; leave one of them out [at Stack/Pool]');
  });

  test('fails on no endpoint for an image whose runtime takes commands there', () => {
    expect(() => new SandboxPool(newStack(), 'Pool', { endpointAccess: false }))
      .toThrow('endpointAccess: got false, and the sandbox runtime of the image takes commands through the endpoint (port 8080); '
        + 'leave endpointAccess out, or use an image without the runtime [at Stack/Pool]');
  });
});

describe('idleness without an endpoint', () => {
  test('ends and suspends nothing by default: nothing ever arrives', () => {
    const { stack } = poolWith({ endpointAccess: false });
    expect(poolConfigurations(stack)[0].idle).toBeNull();
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('warns of a policy that would end or suspend every sandbox', () => {
    const { stack } = poolWith({ endpointAccess: false, idlePolicy: IdlePolicy.suspendAfter(Duration.minutes(5)) });
    Annotations.fromStack(stack).hasWarning('/Stack/Pool', Match.stringLikeRegexp('each of them counts as idle.*idleWithoutEndpoint'));
  });

  test('does not warn of none', () => {
    const { stack } = poolWith({ endpointAccess: false, idlePolicy: IdlePolicy.none() });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });
});

describe('the network policy of a pool', () => {
  test('tells what its network lets out and its ingress lets in', () => {
    expect(poolWith().pool.networkPolicy).toMatchObject({ egress: EgressPolicy.INTERNET, ingress: IngressPolicy.HTTP });
  });

  test('is that of a VPC', () => {
    const stack = newStack();
    const network = SandboxNetwork.vpc({ vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 1 }) });
    const { pool } = poolWith({ network }, stack);
    expect(pool.networkPolicy).toMatchObject({ egress: EgressPolicy.VPC, ingress: IngressPolicy.HTTP });
  });

  test('of a pool of our runtime is the same', () => {
    const stack = newStack();
    const image = new SandboxImage(stack, 'Image', { source: ImageSource.directory(DOCKERFILE_DIRECTORY) });
    expect(new SandboxPool(stack, 'Pool', { image, shellAccess: true }).networkPolicy.ingress).toBe(IngressPolicy.HTTP_AND_SHELL);
  });
});
