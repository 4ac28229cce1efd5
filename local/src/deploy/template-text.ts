import type * as Yaml from 'yaml';
import { ServiceError } from '../services/service-error';

const SHORT_FORMS = [
  'And', 'Base64', 'Cidr', 'Contains', 'EachMemberEquals', 'EachMemberIn', 'Equals', 'FindInMap', 'GetAZs', 'GetAtt', 'If', 'ImportValue',
  'Join', 'Length', 'Not', 'Or', 'RefAll', 'Select', 'Split', 'Sub', 'ToJsonString', 'Transform', 'ValueOf', 'ValueOfAll',
];

/** Reads a template: JSON, or YAML with the short forms of the functions. */
export function parseTemplateText(text: string): unknown {
  const isJson = /^\s*\{/.test(text);
  if (!isJson) return parseYaml(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    // A YAML template in flow style starts like JSON.
    try {
      return parseYaml(text);
    } catch {
      throw formatError(`JSON not well-formed. ${(error as Error).message}`);
    }
  }
}

/** CloudFormation's error for a template that it cannot read or whose parts do not fit together. */
export function formatError(message: string): ServiceError {
  return new ServiceError('ValidationError', `Template format error: ${message}`);
}

function parseYaml(text: string): unknown {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- it is a good part of a start, and synthesized templates are JSON
  const yaml = require('yaml') as typeof Yaml;
  const { isAlias, parseDocument, visit } = yaml;
  const names = [['Ref', 'Ref'], ['Condition', 'Condition'], ...SHORT_FORMS.map((name) => [name, `Fn::${name}`])];
  const customTags = names.flatMap(([shortName, name]) => tagsOf(yaml, shortName, name));
  const document = parseDocument(text, { customTags, schema: 'core', prettyErrors: true, logLevel: 'silent' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw formatError(`YAML not well-formed. ${problem.message.split('\n')[0]}`);
  visit(document, (_, node) => {
    if (isAlias(node)) throw formatError('YAML aliases are not allowed in CloudFormation templates');
  });
  return document.toJS();
}

/** A short form stands before a scalar, a list or a map. */
function tagsOf(yaml: typeof Yaml, shortName: string, name: string): (Yaml.ScalarTag | Yaml.CollectionTag)[] {
  const { isAlias, visit, YAMLMap, YAMLSeq } = yaml;
  const tag = `!${shortName}`;
  const refuseAliases = (node: Yaml.YAMLMap | Yaml.YAMLSeq): void => {
    visit(node, (_, inner) => {
      if (isAlias(inner)) throw formatError('YAML aliases are not allowed in CloudFormation templates');
    });
  };
  const ofCollection = (node: unknown): unknown => {
    if (!(node instanceof YAMLMap || node instanceof YAMLSeq)) return node;
    refuseAliases(node);
    return { [name]: node.toJSON() };
  };
  return [
    { tag, resolve: (text: string) => ({ [name]: text }) },
    { tag, collection: 'seq', resolve: ofCollection },
    { tag, collection: 'map', resolve: ofCollection },
  ];
}
