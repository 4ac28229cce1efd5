import type { Operation } from './operation';
import { chooseIdentity, COMMAND_FIELDS, findWorkingDirectory, parseCommandRequest } from '../commands/command-spec';
import { streamEvents } from '../commands/stream-events';
import { readJson } from '../http/json-body';

export const runCommand: Operation = async (exchange, { commands, files, identities, environment, clock }) => {
  const request = parseCommandRequest(await readJson(exchange, COMMAND_FIELDS));
  const command = await commands.start(request, async () => ({
    identity: chooseIdentity(request, identities),
    cwd: await findWorkingDirectory(request, files.reach),
    environment,
  }));
  await streamEvents(command, { response: exchange.response, after: 0 }, clock);
};
