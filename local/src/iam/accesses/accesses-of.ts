import type { ApiCall } from '../../api';
import type { Access } from '../authorization';
import type { AccessCall, AccessSources } from './access-sources';
import { asList, asString, bodyOf } from './access-sources';
import { cloudFormationAccesses } from './cloudformation-accesses';
import { connectorAccesses } from './connector-accesses';
import { dynamoDbAccesses } from './dynamodb-accesses';
import { lambdaAccesses } from './lambda-accesses';
import { logsAccesses } from './logs-accesses';
import { microvmAccesses } from './microvm-accesses';
import { s3Accesses } from './s3-accesses';

const BY_SERVICE: Readonly<Record<string, (call: AccessCall) => Promise<Access[]> | Access[]>> = {
  connectors: connectorAccesses,
  dynamodb: dynamoDbAccesses,
  lambda: lambdaAccesses,
  logs: logsAccesses,
  microvms: microvmAccesses,
  s3: s3Accesses,
  cloudformation: cloudFormationAccesses,
  ecr: ecrAccesses,
  ssm: ssmAccesses,
  states: statesAccesses,
  sts: stsAccesses,
};

/** Every right that a call needs. An operation that is not listed anywhere needs the action of its own name on everything. */
export async function accessesOf({ service, operation, request }: ApiCall, sources: AccessSources): Promise<Access[]> {
  const call = { operation, request, sources };
  if (!Object.hasOwn(BY_SERVICE, service)) return [{ action: `${service}:${operation}`, resource: '*' }];
  return BY_SERVICE[service](call);
}

function statesAccesses({ operation, request }: AccessCall): Access[] {
  const { stateMachineArn, executionArn } = bodyOf(request);
  // Members that the operation does not know decide nothing.
  const target = operation.endsWith('Execution') && operation !== 'StartExecution' ? executionArn : stateMachineArn;
  return [{ action: `states:${operation}`, resource: asString(target) || '*' }];
}

function ssmAccesses({ operation, request, sources: { region, account } }: AccessCall): Access[] {
  const body = bodyOf(request);
  const names = [body.Name, body.Path, ...asList(body.Names)].map(asString).filter((name) => name !== '');
  const arns = names.map((name) => (name.startsWith('arn:') ? name : `arn:aws:ssm:${region}:${account}:parameter/${name.replace(/^\//, '')}`));
  return (arns.length === 0 ? ['*'] : arns).map((resource) => ({ action: `ssm:${operation}`, resource }));
}

function ecrAccesses({ operation, request, sources: { region, account } }: AccessCall): Access[] {
  const body = bodyOf(request);
  const names = [asString(body.repositoryName), ...asList(body.repositoryNames).map(asString)].filter((name) => name !== '');
  const arns = names.map((name) => `arn:aws:ecr:${region}:${account}:repository/${name}`);
  return (arns.length === 0 ? ['*'] : arns).map((resource) => ({ action: `ecr:${operation}`, resource }));
}

/** Everybody may ask who they are; AssumeRole asks for itself, by the trust policy of its role. */
function stsAccesses({ operation }: AccessCall): Access[] {
  return operation === 'GetCallerIdentity' || operation === 'AssumeRole' ? [] : [{ action: `sts:${operation}`, resource: '*' }];
}
