import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import type { Construct } from 'constructs';
import { KitchenSinkStack } from './kitchen-sink';
import { readable } from './synthesized';

/** Which section of the page a role is of, by the end of its construct path; the first that fits. */
const SECTIONS: readonly (readonly [role: RegExp, section: string])[] = [
  [/ImageBuilder\w*(?:FrameworkOnEventRole|FrameworkCompleteRole|waiterstatemachineRole)$/, 'Provider framework of the image-builder'],
  [/^MicrovmSandboxImageBuilder\w*Role$/, 'Image-builder'],
  [/BuildRole$/, 'Build role'],
  [/AllocatorRole$/, 'Allocator'],
  [/KeeperRole$/, 'Keeper'],
  [/ProviderRole$/, 'Provider framework of a pool'],
  [/OperatorRole$/, 'Connector operator'],
  [/^SandboxRole$/, 'SandboxExecutionRole'],
  [/^grantUse$/, 'grantUse'],
  [/^grantManage$/, 'grantManage'],
  [/^grantBuild$/, 'grantBuild'],
];
const OF_RESOURCES = 'Policies of resources';

/** What others may be granted. */
class GrantsStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const encryptionKey = new kms.Key(this, 'Key');
    const image = new SandboxImage(this, 'Image', { encryptionKey });
    const pool = new SandboxPool(this, 'Pool', { image, encryptionKey, shellAccess: true });
    pool.grantUse(this.grantee('grantUse'));
    pool.grantManage(this.grantee('grantManage'));
    image.grantBuild(this.grantee('grantBuild'));
  }

  private grantee(id: string): iam.Role {
    return new iam.Role(this, id, { assumedBy: new iam.AccountRootPrincipal() });
  }
}

interface Statement { readonly Action?: string | string[] }
interface Resource { readonly Type: string; readonly Properties: Record<string, unknown> }

/** A section and the actions of one statement, in one line. */
const lineOf = (section: string, actions: readonly string[]) => `${section}: ${[...actions].sort().join(' ')}`;

function statementsIn(value: unknown): Statement[] {
  if (Array.isArray(value)) return value.flatMap(statementsIn);
  if (typeof value !== 'object' || value === null) return [];
  return 'Effect' in value ? [value as Statement] : Object.values(value).flatMap(statementsIn);
}

function sectionOf(role: string): string {
  const found = SECTIONS.find(([pattern]) => pattern.test(role));
  if (!found) throw new Error(`docs/iam.md has no section for the role ${role}`);
  return found[1];
}

/** Where the statements of a resource are told: a grantee's trust is the user's. */
function holdersOf(logicalId: string, { Type, Properties }: Resource): string[] {
  if (Type === 'AWS::IAM::Role') return logicalId.startsWith('grant') ? [] : [sectionOf(logicalId.replace(/[0-9A-F]{8}$/, ''))];
  if (!Type.startsWith('AWS::IAM::')) return [OF_RESOURCES];
  return (readable(Properties.Roles) as string[]).map((role) => sectionOf(role.replace(/^<|>$/g, '')));
}

function synthesizedLines(stack: Stack): string[] {
  const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
  return Object.entries(Resources).flatMap(([logicalId, resource]) => {
    const { Type, Properties } = resource;
    const statements = Type === 'AWS::Lambda::Permission' ? [Properties as Statement] : statementsIn(Properties);
    const holders = holdersOf(logicalId, resource);
    return statements.flatMap(({ Action = [] }) => holders.map((section) => lineOf(section, [Action].flat())));
  });
}

/** A row of a table whose first cell holds actions is a statement. A third-level heading belongs to the section above it. */
function documentedLines(page: string): string[] {
  return page.split(/^## /m).slice(1).flatMap((text) => {
    const section = text.slice(0, text.indexOf('\n'));
    return text.split('\n').flatMap((line) => {
      const actions = [.../^\|((?: `[a-z0-9]+:[A-Za-z]*\*?`)+) \|/.exec(line)?.[1].matchAll(/`([^`]+)`/g) ?? []].map(([, action]) => action);
      return actions.length > 0 ? [lineOf(section, actions)] : [];
    });
  });
}

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'iam.md'), 'utf8');
const documented = new Set(documentedLines(page));
let synthesized: Set<string>;
beforeAll(() => {
  const app = new App();
  synthesized = new Set([new KitchenSinkStack(app, 'KitchenSink'), new GrantsStack(app, 'Grants')].flatMap(synthesizedLines));
}, 60_000);

test('the page tells every statement that the constructs make', () => {
  expect([...synthesized].filter((line) => !documented.has(line))).toEqual([]);
});

test('the page tells no statement that no construct makes', () => {
  expect([...documented].filter((line) => !synthesized.has(line))).toEqual([]);
});

test('every role has a section, and every section a role', () => {
  const told = new Set([...documented].map((line) => line.slice(0, line.indexOf(':'))));
  expect([...told].sort()).toEqual([...SECTIONS.map(([, section]) => section), OF_RESOURCES].sort());
});

test.each([
  ['an action less', '`lambda:CreateMicrovmAuthToken` `lambda:GetMicrovmImage`', '`lambda:CreateMicrovmAuthToken`'],
  ['an action of nobody', '`states:StartExecution`', '`states:StopExecution`'],
])('a page with %s differs', (_name, actions, others) => {
  const changed = new Set(documentedLines(page.replace(actions, others)));
  expect([...synthesized].filter((line) => !changed.has(line))).toHaveLength(1);
  expect([...changed].filter((line) => !synthesized.has(line))).toHaveLength(1);
});
