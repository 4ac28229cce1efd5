import type { Template, TemplateParameter, TemplateResource } from '../../deploy/template';
import { isSecret } from '../../deploy/template';
import { readTemplate } from '../../deploy/template-check';
import { ServiceError } from '../service-error';

export interface ParameterDeclaration {
  readonly name: string;
  readonly type: string;
  readonly defaultValue?: string;
  readonly noEcho: boolean;
  readonly description?: string;
  readonly allowedValues?: readonly string[];
}

/** What of a template can be told without evaluating it. */
export interface TemplateOutline {
  readonly description?: string;
  readonly version?: string;
  /** JSON. */
  readonly metadata?: string;
  readonly parameters: readonly ParameterDeclaration[];
  readonly resourceTypes: readonly string[];
  readonly transforms: readonly string[];
  /** What the caller has to consent to by name before the template is used. */
  readonly capabilities: readonly string[];
  readonly capabilitiesReason?: string;
}

const IAM_TYPES = new Set([
  'AWS::IAM::AccessKey', 'AWS::IAM::Group', 'AWS::IAM::InstanceProfile', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy', 'AWS::IAM::Role',
  'AWS::IAM::User', 'AWS::IAM::UserToGroupAddition',
]);

/** Properties that give an IAM resource a name of the caller's choice. `PolicyName` of an inline policy is not one. */
const IAM_NAMES = ['RoleName', 'GroupName', 'UserName', 'ManagedPolicyName', 'InstanceProfileName'];

/** Throws CloudFormation's `ValidationError` for a template that it would not take. */
export function outlineOf(templateBody: string): TemplateOutline {
  const template: Template & { readonly Metadata?: unknown } = readTemplate(templateBody);
  const { Description, AWSTemplateFormatVersion, Metadata, Transform } = template;
  const resources = Object.values(template.Resources);
  const transforms = [Transform ?? []].flat().map(String);
  return {
    ...(Description !== undefined && { description: Description }),
    ...(AWSTemplateFormatVersion !== undefined && { version: String(AWSTemplateFormatVersion) }),
    ...(Metadata !== undefined && { metadata: JSON.stringify(Metadata) }),
    parameters: Object.entries(template.Parameters ?? {}).map(([name, declared]) => declarationOf(name, declared)),
    resourceTypes: [...new Set(resources.map(({ Type }) => Type))],
    transforms,
    ...neededCapabilities(resources, transforms),
  };
}

/** Refuses what the caller has not consented to, as CloudFormation does before it looks further. */
export function checkCapabilities({ capabilities }: TemplateOutline, given: readonly string[] = []): void {
  const missing = capabilities.filter((needed) => {
    return !given.includes(needed) && !(needed === 'CAPABILITY_IAM' && given.includes('CAPABILITY_NAMED_IAM'));
  });
  if (missing.length > 0) throw new ServiceError('InsufficientCapabilitiesException', `Requires capabilities : [${missing.join(', ')}]`);
}

function neededCapabilities(
  resources: readonly TemplateResource[],
  transforms: readonly string[],
): Pick<TemplateOutline, 'capabilities' | 'capabilitiesReason'> {
  const iam = resources.filter(({ Type }) => IAM_TYPES.has(Type));
  const isNamed = iam.some(({ Properties = {} }) => IAM_NAMES.some((name) => Object.hasOwn(Properties, name)));
  const capabilities = [
    ...(iam.length > 0 ? [isNamed ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM'] : []),
    ...(transforms.length > 0 ? ['CAPABILITY_AUTO_EXPAND'] : []),
  ];
  if (iam.length === 0) return { capabilities };
  const types = [...new Set(iam.map(({ Type }) => Type))].join(', ');
  return { capabilities, capabilitiesReason: `The following resource(s) require capabilities: [${types}]` };
}

function declarationOf(name: string, parameter: TemplateParameter): ParameterDeclaration {
  const { Type, Default, Description, AllowedValues } = parameter;
  return {
    name,
    type: Type,
    ...(Default !== undefined && { defaultValue: String(Default) }),
    noEcho: isSecret(parameter),
    ...(Description !== undefined && { description: Description }),
    ...(AllowedValues && { allowedValues: AllowedValues.map(String) }),
  };
}
