import { Resolver } from '../../../local/src/deploy/intrinsics';
import { parameterValues } from '../../../local/src/deploy/parameters';
import { checkRules } from '../../../local/src/deploy/rules';
import type { Template } from '../../../local/src/deploy/template';
import { readTemplate } from '../../../local/src/deploy/template-check';

const resource = { Type: 'AWS::Logs::LogGroup' };
const read = (template: object) => readTemplate(JSON.stringify({ Resources: { Group: resource }, ...template }));
const stored = new Map([['/name', 'stored'], ['/list', 'a, b']]);

function resolver(template: Partial<Template> = {}, parameters: Record<string, unknown> = {}): Resolver {
  return new Resolver({
    template: { Resources: {}, ...template },
    parameters,
    account: '123456789012',
    region: 'eu-west-1',
    stackName: 'Stack',
    stackId: 'arn:stack',
    ssmParameters: stored,
    ref: (id) => `ref-${id}`,
    attribute: (id, name) => `${id}/${name}`,
    importValue: (name) => `imported-${name}`,
  });
}

const resolve = (value: unknown, ...context: Parameters<typeof resolver>) => resolver(...context).resolve(value);

test.each<[string, unknown, unknown]>([
  ['Ref to a parameter', { Ref: 'P' }, 'value'],
  ['Ref to a resource', { Ref: 'R' }, 'ref-R'],
  ['GetAtt as a list', { 'Fn::GetAtt': ['R', 'Arn'] }, 'R/Arn'],
  ['GetAtt as a text with dots', { 'Fn::GetAtt': 'R.Outputs.Name' }, 'R/Outputs.Name'],
  ['Sub with resources, attributes, pseudo parameters and literals', { 'Fn::Sub': '${R} ${R.Arn} ${AWS::Region} ${!Literal} ${P}' }, 'ref-R R/Arn eu-west-1 ${Literal} value'],
  ['Sub with variables', { 'Fn::Sub': ['${a}-${P}', { a: { Ref: 'R' } }] }, 'ref-R-value'],
  ['Join, Split and Select', { 'Fn::Join': ['/', [{ 'Fn::Select': ['1', { 'Fn::Split': [',', 'a,b,c'] }] }, 'x']] }, 'b/x'],
  ['the branch that is taken, the other one unseen', { 'Fn::If': ['Yes', 'then', { 'Fn::FindInMap': ['None', 'a', 'b'] }] }, 'then'],
  ['NoValue in a list and in an object', { a: [{ Ref: 'AWS::NoValue' }, 1], b: { Ref: 'AWS::NoValue' } }, { a: [1] }],
  ['FindInMap', { 'Fn::FindInMap': ['Map', { Ref: 'P' }, 'second'] }, 'mapped'],
  ['FindInMap with a default', { 'Fn::FindInMap': ['Map', 'none', 'second', { DefaultValue: 'other' }] }, 'other'],
  ['ImportValue', { 'Fn::ImportValue': { 'Fn::Sub': '${P}-x' } }, 'imported-value-x'],
  ['Base64', { 'Fn::Base64': 'x' }, 'eA=='],
  ['Cidr of IPv4', { 'Fn::Cidr': ['10.0.0.0/16', 2, 8] }, ['10.0.0.0/24', '10.0.1.0/24']],
  ['Cidr of IPv6', { 'Fn::Cidr': ['2001:db8:1234:1a00::/56', 2, 64] }, ['2001:db8:1234:1a00::/64', '2001:db8:1234:1a01::/64']],
  ['GetAZs of a Region', { 'Fn::GetAZs': 'us-west-2' }, ['us-west-2a', 'us-west-2b', 'us-west-2c']],
  ['Length', { 'Fn::Length': [1, 2, 3] }, 3],
  ['ToJsonString', { 'Fn::ToJsonString': { a: [{ Ref: 'P' }] } }, '{"a":["value"]}'],
  ['every pseudo parameter', ['AccountId', 'Region', 'Partition', 'URLSuffix', 'StackName', 'StackId', 'NotificationARNs'].map((name) => ({ Ref: `AWS::${name}` })),
    ['123456789012', 'eu-west-1', 'aws', 'amazonaws.com', 'Stack', 'arn:stack', []]],
  ['a dynamic reference in a text', 'x-{{resolve:ssm:/name}}', 'x-stored'],
  ['a dynamic reference that a function made', { 'Fn::Sub': '{{resolve:ssm:/${N}}}' }, 'stored'],
])('evaluates %s', (_, value, expected) => {
  const template = {
    Conditions: { Yes: { 'Fn::And': [{ 'Fn::Equals': [1, '1'] }, { 'Fn::Not': [{ Condition: 'No' }] }] }, No: { 'Fn::Or': [{ 'Fn::Equals': ['a', 'b'] }] } },
    Mappings: { Map: { value: { second: 'mapped' } } },
  };
  expect(resolve(value, template, { P: 'value', N: 'name' })).toEqual(expected);
});

test.each<[string, unknown, string]>([
  ['an index that a list does not have', { 'Fn::Select': [3, ['a']] }, 'Fn::Select cannot select nonexistent value at index 3'],
  ['a mapping that is not there', { 'Fn::FindInMap': ['Map', 'a', 'b'] }, 'Unable to get mapping for Map::a::b'],
  ['a list in a text', { 'Fn::Sub': ['${a}', { a: ['x'] }] }, 'variable a in Fn::Sub expression does not resolve to a string'],
  ['objects to join', { 'Fn::Join': ['', [{ a: 1 }]] }, 'every Fn::Join object requires two parameters'],
  ['a secret', '{{resolve:secretsmanager:db:SecretString:password}}', 'it keeps no secrets of Secrets Manager'],
  ['a secure parameter', '{{resolve:ssm-secure:/name}}', 'no secure parameters'],
  ['a stored parameter that is not there', '{{resolve:ssm:/none}}', 'Parameter /none cannot be found'],
  ['too many blocks', { 'Fn::Cidr': ['10.0.0.0/24', 4, 8] }, 'can not make 4 blocks'],
])('fails for %s', (_, value, message) => {
  expect(() => resolve(value)).toThrow(message);
});

test('reads YAML with every short form as its long one', () => {
  const template = readTemplate(`
AWSTemplateFormatVersion: 2010-09-09
Conditions:
  Yes: !Equals [!Ref 'AWS::Region', !Select [0, [x]]]
  Both: !And [!Condition Yes, !Not [!Or [!Condition Yes, !Condition Yes]]]
Mappings: { Map: { a: { b: c } } }
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Join ['-', [!Sub 'x\${AWS::Region}', !Sub ['\${v}', { v: !GetAtt Other.Arn }], !Base64 yes]]
      Tags: !If [Both, !Split [',', 'a,b'], !Ref 'AWS::NoValue']
      Zones: !GetAZs ''
      Blocks: !Cidr [!ImportValue Block, 2, 8]
      Found: !FindInMap [Map, a, b]
      Version: 2012-10-17
  Other:
    Type: AWS::Logs::LogGroup
`);
  expect(template.Conditions).toEqual({
    Yes: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, { 'Fn::Select': [0, ['x']] }] },
    Both: { 'Fn::And': [{ Condition: 'Yes' }, { 'Fn::Not': [{ 'Fn::Or': [{ Condition: 'Yes' }, { Condition: 'Yes' }] }] }] },
  });
  expect(template.Resources.Group.Properties).toEqual({
    LogGroupName: { 'Fn::Join': ['-', [{ 'Fn::Sub': 'x${AWS::Region}' }, { 'Fn::Sub': ['${v}', { v: { 'Fn::GetAtt': 'Other.Arn' } }] }, { 'Fn::Base64': 'yes' }]] },
    Tags: { 'Fn::If': ['Both', { 'Fn::Split': [',', 'a,b'] }, { Ref: 'AWS::NoValue' }] },
    Zones: { 'Fn::GetAZs': '' },
    Blocks: { 'Fn::Cidr': [{ 'Fn::ImportValue': 'Block' }, 2, 8] },
    Found: { 'Fn::FindInMap': ['Map', 'a', 'b'] },
    Version: '2012-10-17',
  });
});

test.each<[string, string, string]>([
  ['broken JSON', '{"Resources": ', 'Template format error: JSON not well-formed.'],
  ['broken YAML', 'Resources: [', 'Template format error: YAML not well-formed.'],
  ['an unknown tag', 'Resources: !Nope x', 'YAML not well-formed.'],
  ['a YAML alias', 'a: &x 1\nResources: { A: *x }', 'YAML aliases are not allowed'],
  ['a list', '[]', 'unsupported structure'],
])('fails to read %s', (_, text, message) => {
  expect(() => readTemplate(text)).toThrow(message);
});

test.each<[string, object, string]>([
  ['no resources', { Resources: {} }, 'At least one Resources member must be defined.'],
  ['too many resources', { Resources: Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`A${index}`, resource])) }, 'Number of resources, 501, is greater than maximum allowed, 500'],
  ['an unknown section', { Resource: {} }, 'Invalid template property or properties [Resource]'],
  ['a resource without a type', { Resources: { A: {} } }, '[/Resources/A] Every Resources object must contain a Type member.'],
  ['an unknown attribute', { Resources: { A: { ...resource, Property: 1 } } }, 'Encountered unsupported property Property'],
  ['a logical id with a dash', { Resources: { 'a-b': resource } }, 'Resource name a-b is non alphanumeric.'],
  ['null', { Resources: { A: { ...resource, Properties: { X: null } } } }, '[/Resources/A/Properties/X] \'null\' values are not allowed in templates'],
  ['a reference to nothing', { Resources: { A: { ...resource, Properties: { X: { Ref: 'B' } } } } }, 'Unresolved resource dependencies [B] in the Resources block of the template'],
  ['a substitution of nothing', { Outputs: { A: { Value: { 'Fn::Sub': '${B}' } } } }, 'Unresolved resource dependencies [B] in the Outputs block of the template'],
  ['an attribute of nothing', { Outputs: { A: { Value: { 'Fn::GetAtt': ['B', 'Arn'] } } } }, 'instance of Fn::GetAtt references undefined resource B'],
  ['a dependency on nothing', { Resources: { A: { ...resource, DependsOn: ['B'] } } }, 'Unresolved resource dependencies [B]'],
  ['a condition that is not there', { Resources: { A: { ...resource, Condition: 'B' } } }, 'Unresolved condition dependency B'],
  ['an unknown function', { Outputs: { A: { Value: { 'Fn::Nope': 1 } } } }, 'Encountered unsupported function: Fn::Nope'],
  ['a function of the language extensions without them', { Outputs: { A: { Value: { 'Fn::Length': [] } } } }, 'Encountered unsupported function: Fn::Length'],
  ['a macro', { Transform: 'AWS::Serverless-2016-10-31' }, 'the local cloud runs no macros'],
  ['a macro in a place', { Outputs: { A: { Value: { 'Fn::Transform': {} } } } }, 'Fn::Transform is a macro'],
  ['a policy that there is not', { Resources: { A: { ...resource, DeletionPolicy: 'Keep' } } }, 'Unrecognized DeletionPolicy "Keep" for resource A; it is one of Delete, Retain'],
  ['a snapshot of what has none', { Resources: { A: { ...resource, DeletionPolicy: 'Snapshot' } } }, 'resource type AWS::Logs::LogGroup does not support deletion policy Snapshot'],
  ['an output without a value', { Outputs: { A: {} } }, 'Output A is malformed.'],
])('fails for a template with %s', (_, template, message) => {
  expect(() => read(template)).toThrow(expect.objectContaining({ code: 'ValidationError', message: expect.stringContaining(message) }));
});

test('takes the functions of the language extensions with them', () => {
  expect(read({ Transform: 'AWS::LanguageExtensions', Outputs: { A: { Value: { 'Fn::Length': ['a'] } } } }).Transform).toBe('AWS::LanguageExtensions');
});

const values = (Parameters: Template['Parameters'], given: Record<string, string> = {}) => {
  const found = parameterValues({ Parameters, Resources: {} }, given, stored);
  return Object.fromEntries(found.map(({ key, value }) => [key, value]));
};

test('reads parameters of each type', () => {
  expect(values({
    Text: { Type: 'String', Default: 1 },
    Given: { Type: 'String', Default: 'x' },
    Number: { Type: 'Number', Default: '1.5' },
    Numbers: { Type: 'List<Number>', Default: '1, 2' },
    Texts: { Type: 'CommaDelimitedList', Default: 'a, b' },
    Subnets: { Type: 'List<AWS::EC2::Subnet::Id>', Default: 'subnet-1,subnet-2' },
    Stored: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/name' },
    StoredList: { Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: '/list' },
  }, { Given: 'y' })).toEqual({
    Text: '1', Given: 'y', Number: '1.5', Numbers: ['1', '2'], Texts: ['a', 'b'], Subnets: ['subnet-1', 'subnet-2'], Stored: 'stored', StoredList: ['a', 'b'],
  });
});

test.each<[string, Template['Parameters'], Record<string, string>, string]>([
  ['without a value', { A: { Type: 'String' } }, {}, 'Parameters: [A] must have values'],
  ['that the template does not have', {}, { A: 'x' }, 'Parameters: [A] do not exist in the template'],
  ['of an unknown type', { A: { Type: 'Text' } }, { A: 'x' }, 'Unrecognized parameter type: Text'],
  ['not among the allowed values', { A: { Type: 'String', AllowedValues: ['a', 1] } }, { A: 'b' }, 'Parameter \'A\' must be one of AllowedValues'],
  ['that matches only in part', { A: { Type: 'String', AllowedPattern: '[a-z]+' } }, { A: 'ab1' }, 'Parameter \'A\' must match pattern [a-z]+'],
  ['that is too short', { A: { Type: 'String', MinLength: 2 } }, { A: 'x' }, 'Parameter \'A\' must contain at least 2 characters'],
  ['that is too long', { A: { Type: 'String', MaxLength: '2' } }, { A: 'xxx' }, 'Parameter \'A\' must contain at most 2 characters'],
  ['that is no number', { A: { Type: 'Number' } }, { A: 'x' }, 'Parameter \'A\' must be a number'],
  ['that is too small', { A: { Type: 'Number', MinValue: 2 } }, { A: '1' }, 'Parameter \'A\' must be a number not less than 2'],
  ['that is too large', { A: { Type: 'Number', MaxValue: 2 } }, { A: '3' }, 'Parameter \'A\' must be a number not greater than 2'],
  ['that its description explains', { A: { Type: 'String', AllowedPattern: 'x', ConstraintDescription: 'must be x' } }, { A: 'y' }, 'Parameter \'A\' failed to satisfy constraint: must be x'],
  ['that is not in the Parameter Store', { A: { Type: 'AWS::SSM::Parameter::Value<String>' } }, { A: '/none' }, 'Unable to fetch parameters [/none] from parameter store for this account.'],
])('fails for a parameter %s', (_, parameters, given, message) => {
  expect(() => values(parameters, given)).toThrow(message);
});

test('fails where an assertion of a rule does not hold, and only where its condition does', () => {
  const assertion = { Assert: { 'Fn::Not': [{ 'Fn::Contains': [['1', '2'], { Ref: 'Version' }] }] }, AssertDescription: 'version 3 is required' };
  const template = { Resources: {}, Rules: { Check: { RuleCondition: { 'Fn::EachMemberIn': [[{ Ref: 'Stage' }], ['prod']] }, Assertions: [assertion] } } };
  const check = (parameters: Record<string, string>) => checkRules(template, resolver(template, parameters));
  expect(() => check({ Version: '2', Stage: 'prod' })).toThrow('rule Check is not met: version 3 is required');
  check({ Version: '3', Stage: 'prod' });
  check({ Version: '2', Stage: 'test' });
});
