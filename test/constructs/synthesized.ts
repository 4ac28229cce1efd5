import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

const ROOT = join(__dirname, '..', '..');

// The constructs publish the bundles, so they must be there. Nothing but a fresh checkout lacks them.
if (!existsSync(join(ROOT, 'assets', 'lambda', 'allocator', 'index.js'))) {
  execFileSync('npx', ['projen', 'bundle'], { cwd: ROOT, stdio: 'inherit' });
}

export const ACCOUNT = '123456789012';
export const REGION = 'us-east-1';
export const ENV = { account: ACCOUNT, region: REGION };
/** What every ARN of the Lambda service in `ENV` starts with. */
export const LAMBDA_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}`;
export const MANAGED_CONNECTOR = `arn:aws:lambda:${REGION}:aws:network-connector:aws-network-connector`;

export function newStack(name = 'Stack', app = new App()): Stack {
  return new Stack(app, name, { env: ENV });
}

type Json = unknown;
interface Resource { Type: string; Properties: Record<string, Json>; [key: string]: Json }

/** Logical ids without their hash are construct paths, and those are ours. */
const withoutHash = (logicalId: string) => logicalId.replace(/[0-9A-F]{8}$/, '');

/** A template's value with its references written out, `Ref` as `<Id>` and `Fn::GetAtt` as `arn:<Id.Attribute>` or `<Id.Attribute>`. */
export function readable(value: Json): Json {
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Record<string, Json>;
  if (typeof object.Ref === 'string') return object.Ref === 'AWS::Partition' ? 'aws' : `<${withoutHash(object.Ref)}>`;
  if (object['Fn::GetAtt']) {
    const [id, attribute] = object['Fn::GetAtt'] as string[];
    return `${attribute.endsWith('Arn') ? 'arn:' : ''}<${withoutHash(id)}.${attribute}>`;
  }
  if (object['Fn::Join']) return (object['Fn::Join'] as [string, Json[]])[1].map(readable).join('');
  if (object['Fn::Sub']) return object['Fn::Sub'];
  return Object.fromEntries(Object.entries(object).map(([key, entry]) => [key, readable(entry)]));
}

export function resourcesOf(stack: Stack, type: string): Resource[] {
  return Object.values(Template.fromStack(stack).findResources(type)) as Resource[];
}

/** The only resource of the type, its properties readable. */
export function propertiesOf(stack: Stack, type: string): Record<string, Json> {
  const resources = resourcesOf(stack, type);
  if (resources.length !== 1) throw new Error(`${resources.length} resources of type ${type}`);
  return readable(resources[0].Properties) as Record<string, Json>;
}

interface Policy {
  Roles: string[];
  PolicyDocument: { Statement: Record<string, Json>[] };
}

export interface Statement { readonly Action: string[]; readonly Resource: string[]; readonly Condition?: Json }

/** All statements of all policies of a role, in order; the role is named by its logical id without hash. */
export function statementsOf(stack: Stack, role: string): Statement[] {
  return [...resourcesOf(stack, 'AWS::IAM::Policy'), ...resourcesOf(stack, 'AWS::IAM::ManagedPolicy')]
    .map(({ Properties }) => readable(Properties) as Policy)
    .filter(({ Roles }) => Roles.includes(`<${role}>`))
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map((statement) => {
      if (statement.Effect !== 'Allow') throw new Error('only grants are expected here');
      return {
        Action: [statement.Action].flat() as string[],
        Resource: [statement.Resource].flat() as string[],
        ...(statement.Condition !== undefined && { Condition: statement.Condition }),
      };
    });
}

/** What the functions of the stack's pools read, the allocator's first. */
export function poolConfigurations(stack: Stack): Record<string, Json>[] {
  return resourcesOf(stack, 'AWS::Lambda::Function').flatMap(({ Properties }) => {
    const { Environment } = readable(Properties) as { Environment?: { Variables: Record<string, string> } };
    const text = Environment?.Variables.POOL_CONFIGURATION;
    return text === undefined ? [] : [JSON.parse(text) as Record<string, Json>];
  });
}
