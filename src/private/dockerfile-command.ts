import { readInstructions } from './dockerfile-instructions';

/** The CMD or ENTRYPOINT that the last stage of a Dockerfile has, as it is written. */
export function commandOf(dockerfile: string): string | undefined {
  let command: string | undefined;
  for (const instruction of readInstructions(dockerfile).instructions) {
    if (/^FROM\s/i.test(instruction)) command = undefined;
    if (/^(CMD|ENTRYPOINT)\s/i.test(instruction)) command = instruction;
  }
  return command;
}
