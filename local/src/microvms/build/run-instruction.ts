import { StepError } from './build-error';
import type { BuildLog } from './build-log';
import { jsonForm, type Step } from './dockerfile';
import { resolveInRoot } from './rooted-path';
import type { RunStep } from './run-step';
import type { StageState } from './stage-state';
import { readTable } from './user-table';

/** What a step wants mounted that only an engine has. */
const ENGINE_MOUNTS = /(?:^|,)type=(?:bind|secret|ssh)(?:,|$)/;

/** Runs its first argument as a file of its own. */
const RUN_SCRIPT = 'file=$(mktemp) && printf %s "$1" >"$file" && chmod 700 "$file" && "$file"; code=$?; rm -f "$file"; exit "$code"';

/** One RUN of a stage. */
export class RunInstruction {
  constructor(private readonly step: Step, private readonly state: StageState) {}

  /** Undefined: done; else why it was left out. */
  async execute(run: RunStep | string, log: BuildLog): Promise<string | undefined> {
    if (typeof run === 'string') return run;
    const mount = this.step.flags.get('mount')?.find((value) => ENGINE_MOUNTS.test(value) || !value.includes('type='));
    if (mount !== undefined) return `--mount=${mount} needs a container engine`;
    if (this.state.user !== undefined && !/^(?:root|0)(?::|$)/.test(this.state.user)) {
      log.say(`runs as root: a step has one user here, and USER ${this.state.user} gives it a home only`);
    }
    const startedAt = performance.now();
    const code = await run({
      rootfs: this.state.rootfs,
      command: this.#command(),
      environment: { HOME: this.#home(), ...this.state.args, ...this.state.environment },
      workingDirectory: this.state.workingDirectory,
      onOutput: (line) => log.output(line, startedAt, performance.now()),
    });
    if (code === 0) return undefined;
    log.say('a step has no network here; what it fetches from elsewhere fails');
    throw new StepError(`process "${this.#command().join(' ')}" did not complete successfully: exit code: ${code}`);
  }

  #command(): string[] {
    const { heredocs, heredocText, text } = this.step;
    const words = jsonForm(text);
    if (words) return words;
    const [heredoc] = heredocs;
    // A heredoc alone is the script itself, for the shell or for the program that its first line names.
    if (heredoc && /^\d*<<-?\S+$/.test(text) && heredoc.content.startsWith('#!')) {
      return ['/bin/sh', '-c', RUN_SCRIPT, 'run', heredoc.content];
    }
    if (heredoc && /^\d*<<-?\S+$/.test(text)) return [...this.state.shell, heredoc.content];
    return [...this.state.shell, heredocs.length > 0 ? `${text}\n${heredocText}` : text];
  }

  /** The home of the USER so far, as its tables say. */
  #home(): string {
    const [name] = (this.state.user ?? 'root').split(':');
    for (const table of [resolveInRoot(this.state.rootfs, '/etc/passwd'), '/etc/passwd']) {
      const entry = readTable(table).find(([user, , id]) => user === name || id === name);
      if (entry?.[5]) return entry[5];
    }
    return '/root';
  }
}
