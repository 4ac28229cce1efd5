import { App, Duration, PropertyInjectors, RemovalPolicies, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import type { InjectionContext, IPropertyInjector } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { newStack, poolConfigurations, propertiesOf, resourcesOf } from './synthesized';
import { POOL_METRICS, POOL_RESOURCE_TYPE } from '../../src/contract/pool';

const source = ImageSource.directory(DOCKERFILE_DIRECTORY);

function poolIn(stack = newStack(), id = 'Pool') {
  const image = stack.node.tryFindChild('Image') as SandboxImage | undefined ?? new SandboxImage(stack, 'Image', { source });
  return { stack, pool: new SandboxPool(stack, id, { image }) };
}

interface Resources { [id: string]: { Type: string; DependsOn?: string | string[]; [key: string]: unknown } }

/** Everything that a resource needs, directly or not: CloudFormation deletes it before all of that. */
function neededBy(resources: Resources, id: string, found = new Set<string>()): Set<string> {
  const named = [...JSON.stringify(resources[id]).matchAll(/"(?:Ref|Fn::GetAtt)":(?:\["([^"]+)"|"([^"]+)")/g)].map(([, a, b]) => a ?? b);
  for (const next of [...named, ...[resources[id].DependsOn ?? []].flat()]) {
    if (resources[next] === undefined || found.has(next)) continue;
    found.add(next);
    neededBy(resources, next, found);
  }
  return found;
}

describe('a pool that leaves its stack', () => {
  const { stack } = poolIn();
  const resources = Template.fromStack(stack).toJSON().Resources as Resources;
  const idOf = (pattern: RegExp) => {
    const ids = Object.keys(resources).filter((id) => pattern.test(id));
    if (ids.length !== 1) throw new Error(`${pattern}: ${ids.join()}`);
    return ids[0];
  };
  const resource = Object.keys(resources).filter((id) => resources[id].Type === POOL_RESOURCE_TYPE)[0];

  test('ends its sandboxes after the schedule is gone', () => {
    expect(neededBy(resources, idOf(/^PoolKeeperSchedule[0-9A-F]{8}$/)).has(resource)).toBe(true);
  });

  test.each([
    /^PoolKeeper[0-9A-F]{8}$/, /^PoolKeeperRoleDefaultPolicy/, /^PoolKeeperRoleMicrovms/, /^PoolKeeperLogs/, /^PoolTable/,
    /^PoolProviderRoleDefaultPolicy/, /^Image[0-9A-F]{8}$/,
  ])('ends its sandboxes while %s is there', (last) => {
    expect(neededBy(resources, resource).has(idOf(last))).toBe(true);
  });

  test('asks the keeper to, which has a quarter of an hour', () => {
    expect(propertiesOf(stack, POOL_RESOURCE_TYPE)).toMatchObject({
      ServiceToken: expect.stringContaining('PoolProviderframeworkonEvent'), ServiceTimeout: '1200',
    });
    expect(resources[idOf(/^PoolKeeper[0-9A-F]{8}$/)].Properties).toMatchObject({ Timeout: 840 });
  });

  test('stays whole where the user keeps everything', () => {
    const { stack: kept } = poolIn();
    RemovalPolicies.of(kept).apply(RemovalPolicy.RETAIN);
    expect(resourcesOf(kept, POOL_RESOURCE_TYPE)[0].DeletionPolicy).toBe('Retain');
  });
});

describe('metrics', () => {
  const { pool, stack } = poolIn();
  const described = (metric: cloudwatch.Metric) => {
    const { namespace, metricName, dimensions, statistic, period } = metric;
    return { namespace, metricName, dimensions, statistic, minutes: period.toMinutes() };
  };

  test.each([
    ['created', pool.metricCreated(), 'Sum'],
    ['createDuration', pool.metricCreateDuration(), 'Average'],
    ['createFailed', pool.metricCreateFailed(), 'Sum'],
    ['exhausted', pool.metricExhausted(), 'Sum'],
    ['quotaExceeded', pool.metricQuotaExceeded(), 'Sum'],
    ['live', pool.metricLive(), 'Maximum'],
    ['expired', pool.metricExpired(), 'Sum'],
    ['abandoned', pool.metricAbandoned(), 'Sum'],
    ['reapFailed', pool.metricReapFailed(), 'Sum'],
  ] as const)('%s is what the functions report under the name of the pool', (name, metric, statistic) => {
    expect(described(metric)).toEqual({
      namespace: 'CdkMicrovmSandbox', metricName: POOL_METRICS[name], dimensions: { PoolName: pool.poolName }, statistic, minutes: 5,
    });
    expect(poolConfigurations(stack)[0].poolName).toBe(pool.poolName);
  });

  test('take options', () => {
    const metric = pool.metricCreated({ statistic: 'Average', period: Duration.minutes(1), dimensionsMap: { Other: 'x' } });
    expect(described(metric)).toMatchObject({ statistic: 'Average', minutes: 1, dimensions: { PoolName: pool.poolName, Other: 'x' } });
  });

  test('of two pools, and of two stacks made alike, are not mixed', () => {
    const app = new App();
    const names = ['One', 'Two'].flatMap((name) => {
      const each = newStack(name, app);
      return [poolIn(each, 'Pool').pool.poolName, poolIn(each, 'Other').pool.poolName];
    });
    expect(new Set(names).size).toBe(4);
  });
});

describe('several pools', () => {
  test('of one stack share the image and nothing else', () => {
    const { stack } = poolIn();
    poolIn(stack, 'Other');
    const template = Template.fromStack(stack);
    template.resourceCountIs(POOL_RESOURCE_TYPE, 2);
    template.resourceCountIs('AWS::DynamoDB::Table', 2);
    template.resourceCountIs('Custom::MicrovmSandboxImage', 1);
  });

  test('of several Regions have their own images', () => {
    const app = new App();
    const made = ['us-east-1', 'eu-west-1'].map((region) => (
      { region, ...poolIn(new Stack(app, `In-${region}`, { env: { account: '123456789012', region } })) }
    ));
    for (const { region, stack } of made) {
      expect(poolConfigurations(stack)[0].ingressConnectorArns).toEqual([
        `arn:aws:lambda:${region}:aws:network-connector:aws-network-connector:HTTP_INGRESS`,
      ]);
    }
  });
});

test('a property injector sets defaults for every pool below it', () => {
  class Small implements IPropertyInjector {
    readonly constructUniqueId = SandboxPool.PROPERTY_INJECTION_ID;
    inject(props: object, _context: InjectionContext): object {
      return { maxSandboxes: 2, ...props };
    }
  }
  const stack = newStack();
  PropertyInjectors.of(stack).add(new Small());
  poolIn(stack);
  expect(poolConfigurations(stack)[0].maxSandboxes).toBe(2);
});

test('tags reach what can be tagged', () => {
  const { stack, pool } = poolIn();
  Tags.of(pool).add('team', 'agents');
  const types = ['AWS::DynamoDB::Table', 'AWS::Logs::LogGroup', 'AWS::Lambda::Function', 'AWS::IAM::Role', 'AWS::Events::Rule'];
  for (const type of types) {
    const tagged = resourcesOf(stack, type).filter(({ Properties }) => JSON.stringify(Properties.Tags ?? []).includes('agents'));
    expect([type, tagged.length > 0]).toEqual([type, true]);
  }
});

test('what a pool is made of can be got at', () => {
  const { pool } = poolIn();
  expect([pool.table, pool.allocator, pool.keeper, pool.image].every(Boolean)).toBe(true);
  expect(pool.logGroup).toBeUndefined();
});

test('an image and a pool fit into 45 resources and 80 KB, 16 of them the pool\'s', () => {
  const { stack } = poolIn();
  const template = Template.fromStack(stack).toJSON() as { Resources: Resources };
  const ids = Object.keys(template.Resources);
  expect(ids.length).toBeLessThanOrEqual(45);
  expect(ids.filter((id) => id.startsWith('Pool'))).toHaveLength(16);
  expect(JSON.stringify(template, undefined, 1).length).toBeLessThan(80_000);
});

test('another stack reaches the pool by its allocator', () => {
  const app = new App();
  const { pool } = poolIn(newStack('Stack', app));
  const other = newStack('Other', app);
  pool.connect(new lambda.Function(other, 'Agent', {
    runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromInline('exports.handler = () => {}'),
  }));
  expect(JSON.stringify(propertiesOf(other, 'AWS::Lambda::Function').Environment)).toContain('PoolAllocator');
});
