import type { HookCall } from './hooks';
import { type EnabledHook, hookEntries, type HookName } from '../images/hook-settings';
import { rootfsOf, readLayout } from '../images/image-layout';
import type { ImageRecord, VersionRecord } from '../images/image-record';
import type { Machine } from '../machine/machine';
import type { Machines, StartOptions } from '../machine/machines';
import type { Place } from '../wire/arns';

/** How the service tells that the main process ended. */
export function exitReason(exitCode: number): string {
  return `Container Stopped with Exit Code: ${exitCode}`;
}

/** An image version, ready to be started as a machine. */
export class Guest {
  readonly #hooks: readonly EnabledHook[];

  constructor(private readonly place: Place, readonly image: ImageRecord, readonly version: VersionRecord) {
    this.#hooks = hookEntries(version.configuration.hooks);
  }

  /** The call of a hook, or undefined if the image did not enable it. */
  hook(name: HookName): Omit<HookCall, 'body' | 'signal'> | undefined {
    const enabled = this.#hooks.find((hook) => hook.name === name);
    const port = this.version.configuration.hooks?.port;
    return enabled && port ? { name, port, timeoutSeconds: enabled.timeoutSeconds } : undefined;
  }

  async start(machines: Machines, onOutput: (line: string) => void, options: StartOptions = {}): Promise<Machine> {
    const { folder, configuration, imageVersion } = this.version;
    const layout = await readLayout(folder);
    const hookPort = configuration.hooks?.port;
    return machines.start({
      rootfs: rootfsOf(folder),
      command: layout.command,
      workingDirectory: layout.workingDirectory,
      environment: {
        ...layout.environment,
        ...configuration.environmentVariables,
        AWS_LAMBDA_MICROVM_IMAGE_NAME: this.image.name,
        AWS_LAMBDA_MICROVM_IMAGE_ARN: this.image.imageArn,
        AWS_LAMBDA_MICROVM_IMAGE_VERSION: imageVersion,
        AWS_REGION: this.place.region,
      },
      ports: [8080, ...(hookPort ? [hookPort] : []), ...layout.ports],
      onOutput,
    }, options);
  }
}
