import type { Clock } from '../../clock';
import type { MicrovmFaults } from '../../faults/microvm-faults';
import type { Guest } from '../guest/guest';
import { callHook, runtimeHookFailure } from '../guest/hooks';
import type { HookName } from '../images/hook-settings';
import type { Machine } from '../machine/machine';

/** Real time: this machine's kernel is what is waited for. */
const EXIT_NOTICE_MS = 200;

/** The runtime hooks of one microVM. */
export class MicrovmHooks {
  readonly #microvmId: string;
  readonly #guest: Guest;
  /** May hold secrets: kept until `/run` carries it, and no longer. */
  #runHookPayload: string | null;

  constructor(
    microvm: { readonly microvmId: string; readonly guest: Guest; readonly runHookPayload: string | null },
    private readonly environment: { readonly clock: Clock; readonly faults: MicrovmFaults },
  ) {
    this.#microvmId = microvm.microvmId;
    this.#guest = microvm.guest;
    this.#runHookPayload = microvm.runHookPayload;
  }

  /** Calls a hook if the image has it. Answers why the hook ends its microVM; undefined if it did well. */
  async call(name: HookName, machine: Machine, signal?: AbortSignal): Promise<string | undefined> {
    const { clock, faults } = this.environment;
    const hook = this.#guest.hook(name);
    if (!hook) return undefined;
    const body = name === 'run' ? { body: this.#takeRunBody() } : {};
    const call = { ...hook, ...body, signal, hangs: faults.hangs(name, this.#guest.image.name) };
    const result = await callHook(clock, machine, call);
    if (name !== 'terminate' && 'failure' in result && result.failure === 'unreachable') await hearOfEnd(machine);
    return runtimeHookFailure(call, result);
  }

  forgetPayload(): void {
    this.#runHookPayload = null;
  }

  #takeRunBody(): object {
    const runHookPayload = this.#runHookPayload;
    this.forgetPayload();
    return { microvmId: this.#microvmId, ...(runHookPayload === null ? {} : { runHookPayload }) };
  }
}

/** A process that ends closes its connections first, and a moment later its end is told. Resolves then, or after that moment. */
async function hearOfEnd({ exited }: Machine): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const moment = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, EXIT_NOTICE_MS);
  });
  await Promise.race([exited, moment]);
  clearTimeout(timer);
}
