import type { CollectionTag, ScalarTag } from 'yaml';
import { isAlias, parseDocument, visit, YAMLMap, YAMLSeq } from 'yaml';
import { ServiceError } from '../services/service-error';

const SHORT_FORMS = [
  'And', 'Base64', 'Cidr', 'Contains', 'EachMemberEquals', 'EachMemberIn', 'Equals', 'FindInMap', 'GetAZs', 'GetAtt', 'If', 'ImportValue',
  'Join', 'Length', 'Not', 'Or', 'RefAll', 'Select', 'Split', 'Sub', 'ToJsonString', 'Transform', 'ValueOf', 'ValueOfAll',
];

const TAGS = [tagsOf('Ref', 'Ref'), tagsOf('Condition', 'Condition'), ...SHORT_FORMS.map((name) => tagsOf(name, `Fn::${name}`))].flat();

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
  const document = parseDocument(text, { customTags: TAGS, schema: 'core', prettyErrors: true, logLevel: 'silent' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw formatError(`YAML not well-formed. ${problem.message.split('\n')[0]}`);
  visit(document, (_, node) => {
    if (isAlias(node)) throw formatError('YAML aliases are not allowed in CloudFormation templates');
  });
  return document.toJS();
}

/** A short form stands before a scalar, a list or a map. */
function tagsOf(shortName: string, name: string): (ScalarTag | CollectionTag)[] {
  const tag = `!${shortName}`;
  const refuseAliases = (node: YAMLMap | YAMLSeq): void => {
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
