import { readFunctionName } from '../../services/lambda/function-name';
import type { Access } from '../authorization';
import type { AccessCall } from './access-sources';
import { decoded } from './access-sources';

/** Operations whose action has another name. */
const ACTIONS: Readonly<Record<string, string>> = { Invoke: 'InvokeFunction' };

/** The rights that an operation on a function needs. */
export function lambdaAccesses({ operation, request, sources: { region, account } }: AccessCall): Access[] {
  const action = `lambda:${ACTIONS[operation] ?? operation}`;
  const [, encoded] = /^\/2015-03-31\/functions\/([^/]+)/.exec(request.path) ?? [];
  if (encoded === undefined) return [{ action, resource: '*' }];
  const { name, qualifier = request.query.get('Qualifier') } = readFunctionName(decoded(encoded));
  const version = qualifier === null || qualifier === undefined ? '' : `:${qualifier}`;
  return [{ action, resource: `arn:aws:lambda:${region}:${account}:function:${name}${version}` }];
}
