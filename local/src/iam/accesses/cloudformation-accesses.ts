import type { AccessCall } from './access-sources';
import { templateLocation } from '../../services/cloudformation/template-source';
import { formOf } from '../../services/query-protocol';
import { ServiceError } from '../../services/service-error';
import type { Access } from '../authorization';

/** Operations of CloudFormation that know no stack. */
const ON_EVERY_STACK = ['ListStacks', 'ListExports', 'ListImports', 'ValidateTemplate', 'DescribeAccountLimits'];

/** The rights that an operation on stacks needs: also those on the role and the template that it names. */
export function cloudFormationAccesses(call: AccessCall): Access[] {
  const { operation, request, sources: { region, account } } = call;
  // Of a name that is there twice the service takes the first, and it takes a form in the query, too.
  const form = formOf(request);
  const given = form.get('StackName') || form.get('ChangeSetName') || '';
  const action = `cloudformation:${operation}`;
  const template = templateAccesses(call, form.get('TemplateURL') ?? '');
  if (given === '' || ON_EVERY_STACK.includes(operation)) return [{ action, resource: '*' }, ...template];
  const stack = given.startsWith('arn:') ? given : `arn:aws:cloudformation:${region}:${account}:stack/${given}/*`;
  const roleArn = form.get('RoleARN') ?? '';
  const pass = { action: 'iam:PassRole', resource: roleArn, context: { 'iam:PassedToService': 'cloudformation.amazonaws.com' } };
  return [{ action, resource: stack }, ...(roleArn === '' ? [] : [pass]), ...template];
}

/** CloudFormation reads a template as whoever names it. None for a URL that it refuses anyway. */
function templateAccesses({ request }: AccessCall, url: string): Access[] {
  if (url === '') return [];
  try {
    const { bucket, key } = templateLocation(url, request.headers.host ?? '');
    const refusal = new ServiceError('ValidationError', 'S3 error: Access Denied');
    return [{ action: 's3:GetObject', resource: `arn:aws:s3:::${bucket}/${key}`, refusal }];
  } catch {
    return [];
  }
}
