import { type Copy, DockerfileParser, type From, type Instruction, type JSONInstruction, type PropertyInstruction } from 'dockerfile-ast';
import { BuildError } from './build-error';

export interface Step {
  readonly keyword: string;
  /** All that follows the keyword and its flags, on one line. */
  readonly text: string;
  readonly flags: ReadonlyMap<string, string>;
  /** `KEY=value` pairs of ARG and ENV; quotes are kept, an ARG without default has none. */
  readonly pairs: readonly (readonly [string, string | undefined])[];
  readonly hasHeredoc: boolean;
  /** As a person finds it in the Dockerfile. */
  readonly name: string;
}

export interface Stage {
  readonly name: string | undefined;
  readonly from: string;
  readonly steps: readonly Step[];
}

export interface Dockerfile {
  readonly escape: string;
  /** ARGs ahead of the first FROM. */
  readonly globals: readonly Step[];
  readonly stages: readonly Stage[];
}

const KEYWORDS = [
  'FROM', 'ARG', 'ENV', 'COPY', 'ADD', 'RUN', 'WORKDIR', 'USER', 'EXPOSE', 'CMD', 'ENTRYPOINT', 'SHELL', 'LABEL', 'MAINTAINER', 'VOLUME',
  'STOPSIGNAL', 'HEALTHCHECK', 'ONBUILD',
];

export function parseDockerfile(content: string): Dockerfile {
  const parsed = DockerfileParser.parse(content);
  const globals: Step[] = [];
  const stages: { name: string | undefined; from: string; steps: Step[] }[] = [];
  for (const instruction of parsed.getInstructions()) {
    const step = readStep(instruction);
    if (!KEYWORDS.includes(step.keyword)) throw new BuildError(`The container image build failed: unknown instruction ${step.name}`);
    if (step.keyword === 'FROM') {
      const from = instruction as From;
      stages.push({ name: from.getBuildStage()?.toLowerCase(), from: from.getImage() ?? '', steps: [] });
    } else {
      (stages.at(-1)?.steps ?? globals).push(step);
    }
  }
  if (stages.length === 0) throw new BuildError('The container image build failed: the Dockerfile has no FROM');
  return { escape: parsed.getEscapeCharacter(), globals, stages };
}

/** The strings of the JSON form, or undefined for the other form. */
export function jsonForm(text: string): string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((word) => typeof word === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function readStep(instruction: Instruction): Step {
  const keyword = instruction.getKeyword();
  const flags = 'getFlags' in instruction ? (instruction as JSONInstruction).getFlags() : [];
  const properties = keyword === 'ENV' || keyword === 'ARG' ? (instruction as PropertyInstruction).getProperties() : [];
  const text = instruction.getArgumentsContent() ?? '';
  const line = (instruction.getRange()?.start.line ?? 0) + 1;
  const shown = [...flags.map((flag) => `--${flag.getName()}=${flag.getValue() ?? ''}`), text.replace(/\s+/g, ' ')].join(' ');
  return {
    keyword,
    text,
    flags: new Map(flags.map((flag) => [flag.getName(), flag.getValue() ?? ''])),
    pairs: properties.map((property) => [property.getName(), property.getUnescapedValue() ?? undefined]),
    hasHeredoc: ['COPY', 'ADD'].includes(keyword) && (instruction as Copy).getHeredocs().length > 0,
    name: `${keyword} ${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown} (line ${line})`,
  };
}
