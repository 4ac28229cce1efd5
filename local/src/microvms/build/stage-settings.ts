import { lstatSync, mkdirSync } from 'node:fs';
import { posix } from 'node:path';
import { StepError } from './build-error';
import { jsonForm, type Step } from './dockerfile';
import { resolveInRoot } from './rooted-path';
import { type StageState, variablesOf } from './stage-state';
import { expand, type Variables } from './variables';

const MAX_EXPOSED_PORTS = 1000;
/** Linux hands no more to a program. */
const MAX_ENVIRONMENT = 2 * 1024 ** 2;

/** Applies an instruction that changes settings only. False: it is none of these. */
export function applySetting(
  step: Step, state: StageState, surroundings: { readonly escape: string; readonly globals: Variables },
): boolean {
  const { escape, globals } = surroundings;
  const expanded = (text: string): string => expand(text, variablesOf(state), { escape });
  switch (step.keyword) {
    case 'ARG': setArgs(step, state.args, { known: variablesOf(state), globals, escape }); return true;
    case 'ENV':
      // All values of one ENV see the variables as they were before it.
      Object.assign(state.environment, Object.fromEntries(step.pairs.map(([name, value]) => [expanded(name), expanded(value ?? '')])));
      checkSize('ENV', state.environment);
      return true;
    case 'WORKDIR': enter(expanded(step.text), state); return true;
    case 'USER': state.user = expanded(step.text); return true;
    case 'EXPOSE': state.ports = [...new Set([...state.ports, ...readPorts(expanded(step.text))])]; return true;
    case 'SHELL': state.shell = jsonForm(step.text) ?? state.shell; return true;
    case 'CMD':
      state.command = readCommand(step, state);
      state.commandIsOwn = true;
      return true;
    case 'ENTRYPOINT':
      state.entrypoint = { words: readCommand(step, state), takesCommand: jsonForm(step.text) !== undefined };
      // A CMD of the base was meant for the base's ENTRYPOINT.
      if (!state.commandIsOwn) state.command = undefined;
      return true;
    default: return false;
  }
}

/** ARG: its own default, or what an ARG of that name ahead of the first FROM came to. */
export function setArgs(
  step: Step,
  args: Record<string, string>,
  { known, globals, escape }: { readonly known: Variables; readonly globals: Variables; readonly escape: string },
): void {
  for (const [name, value] of step.pairs) {
    if (value !== undefined) args[name] = expand(value, { ...known, ...args }, { escape });
    else if (Object.hasOwn(globals, name)) args[name] = globals[name];
  }
  checkSize('ARG', args);
}

function checkSize(keyword: string, variables: Variables): void {
  const size = Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (size > MAX_ENVIRONMENT) throw new StepError(`the variables of all ${keyword} have ${size} characters; at most ${MAX_ENVIRONMENT} are allowed`);
}

function enter(path: string, state: StageState): void {
  state.workingDirectory = posix.resolve(state.workingDirectory, path);
  const folder = resolveInRoot(state.rootfs, state.workingDirectory);
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new StepError(`cannot mkdir: ${state.workingDirectory} is not a directory`);
  }
  mkdirSync(folder, { recursive: true });
}

function readCommand(step: Step, state: StageState): string[] {
  return jsonForm(step.text) ?? [...state.shell, step.text];
}

function readPorts(text: string): number[] {
  return text.split(/\s+/).filter(Boolean).flatMap((word) => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(?:tcp|udp|sctp))?$/i.exec(word) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from >= 1 && to <= 65_535 && from <= to)) throw new StepError(`invalid containerPort: ${word}`);
    if (to - from >= MAX_EXPOSED_PORTS) throw new StepError(`EXPOSE names more than ${MAX_EXPOSED_PORTS} ports: ${word}`);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
