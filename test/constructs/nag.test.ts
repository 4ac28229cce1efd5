import { type App, Validations } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks, NIST80053R5Checks, type NagPack } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { allStacks } from './all-stacks';
import { newStack } from './synthesized';

/** A rule at the path of a construct: what a pack found, or what an acknowledgement names. */
interface Mark { readonly rule: string; readonly path: string; readonly reason?: string }

const packs = (scope: IConstruct): NagPack[] => [new AwsSolutionsChecks(scope), new NIST80053R5Checks(scope)];

function findings(scope: IConstruct, pack: NagPack): Mark[] {
  const { violations } = pack.validateScope(scope);
  return violations.flatMap(({ ruleName: rule, violatingResources }) => (
    violatingResources.map(({ constructPath: path = '' }) => ({ rule, path }))
  ));
}

/** What the packs would say without any acknowledgement. */
function rawFindings(scope: IConstruct): Mark[] {
  // A pack keeps to itself what was acknowledged, and has no switch for it.
  return packs(scope).flatMap((pack) => findings(scope, Object.assign(pack, { isAcknowledged: () => false })));
}

function acknowledgements(scope: IConstruct): Mark[] {
  return scope.node.findAll().flatMap(({ node }) => node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data as Record<string, string>))
    .map(([rule, reason]) => ({ rule: rule.replace(/^annotation::/i, ''), path: node.path, reason })));
}

const covers = (mark: Mark, finding: Mark) => mark.rule === finding.rule && `${finding.path}/`.startsWith(`${mark.path}/`);
const unmatched = (scope: IConstruct) => {
  const found = rawFindings(scope);
  return acknowledgements(scope).filter((mark) => !found.some((finding) => covers(mark, finding)));
};

let app: App;
beforeAll(async () => {
  ({ app } = await allStacks());
  app.synth();
}, 60_000);

test('AwsSolutions and NIST 800-53 R5 find nothing that is not acknowledged at its resource', () => {
  expect(packs(app).flatMap((pack) => findings(app, pack))).toEqual([]);
});

test('no acknowledgement is without a finding', () => {
  expect(unmatched(app)).toEqual([]);
});

test('every acknowledgement has a sentence for a reason', () => {
  const all = acknowledgements(app);
  expect(all.length).toBeGreaterThan(0);
  expect(all.filter(({ reason = '' }) => !/^[A-Z].{20,}\.$/.test(reason))).toEqual([]);
});

test('nothing is acknowledged for a whole stack', () => {
  expect(acknowledgements(app).filter(({ path }) => !path.includes('/'))).toEqual([]);
});

test('a bucket without encryption in transit is found, and an acknowledgement of what is not there', () => {
  const stack = newStack();
  const bucket = new s3.Bucket(stack, 'Bucket', { enforceSSL: false });
  Validations.of(bucket).acknowledge({ id: 'AwsSolutions-L1', reason: 'A bucket has no runtime.' });

  expect(packs(stack).flatMap((pack) => findings(stack, pack))).toContainEqual({ rule: 'AwsSolutions-S10', path: 'Stack/Bucket/Resource' });
  expect(unmatched(stack)).toEqual([{ rule: 'AwsSolutions-L1', path: 'Stack/Bucket', reason: 'A bucket has no runtime.' }]);
});

test('an app with the packs as plugins, as cdk-nag is used, is synthesized', async () => {
  const { app: checked, stacks } = await allStacks();
  expect(stacks.length).toBeGreaterThan(3);
  Validations.of(checked).addPlugins(...packs(checked));
  expect(() => checked.synth()).not.toThrow();
});
