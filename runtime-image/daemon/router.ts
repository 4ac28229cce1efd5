import type { IncomingMessage } from 'node:http';
import { checkCommandId } from './commands/command-spec';
import { invalid } from './errors';
import { deleteFile } from './operations/delete-file';
import { downloadArchive } from './operations/download-archive';
import { followCommand } from './operations/follow-command';
import { getCommand } from './operations/get-command';
import { health } from './operations/health';
import { listCommands } from './operations/list-commands';
import { listFiles } from './operations/list-files';
import { makeDirectory } from './operations/make-directory';
import { moveFile } from './operations/move-file';
import type { Operation } from './operations/operation';
import { readFile } from './operations/read-file';
import { runCommand } from './operations/run-command';
import { signalCommand } from './operations/signal-command';
import { statFile } from './operations/stat-file';
import { uploadArchive } from './operations/upload-archive';
import { writeFile } from './operations/write-file';
import { writeStdin } from './operations/write-stdin';
import { ROUTES } from '../../client/src/protocol/daemon';

const OPERATIONS: Readonly<Record<string, Operation>> = {
  [`GET ${ROUTES.health}`]: health,
  [`POST ${ROUTES.commands}`]: runCommand,
  [`GET ${ROUTES.commands}`]: listCommands,
  [`GET ${ROUTES.commands}/{id}`]: getCommand,
  [`GET ${ROUTES.commands}/{id}/events`]: followCommand,
  [`POST ${ROUTES.commands}/{id}/stdin`]: writeStdin,
  [`POST ${ROUTES.commands}/{id}/signal`]: signalCommand,
  [`GET ${ROUTES.files}`]: readFile,
  [`PUT ${ROUTES.files}`]: writeFile,
  [`DELETE ${ROUTES.files}`]: deleteFile,
  [`GET ${ROUTES.stat}`]: statFile,
  [`GET ${ROUTES.list}`]: listFiles,
  [`POST ${ROUTES.move}`]: moveFile,
  [`POST ${ROUTES.directories}`]: makeDirectory,
  [`GET ${ROUTES.archive}`]: downloadArchive,
  [`PUT ${ROUTES.archive}`]: uploadArchive,
};

const ONE_COMMAND = new RegExp(`^${ROUTES.commands}/([^/]*)(/[a-z]+)?$`);

export interface Route {
  readonly operation: Operation;
  readonly id: string;
  readonly query: URLSearchParams;
}

/** An unknown route is a malformed request, not a 404: that status says that a file or a command does not exist. */
export function findRoute(request: IncomingMessage): Route {
  const [path, query] = splitOnce(request.url ?? '', '?');
  const [, id, rest = ''] = ONE_COMMAND.exec(path) ?? [];
  const name = `${request.method} ${id === undefined ? path : `${ROUTES.commands}/{id}${rest}`}`;
  if (!Object.hasOwn(OPERATIONS, name)) throw invalid(`${name.slice(0, 100)}: there is no such route`);
  return { operation: OPERATIONS[name], id: id === undefined ? '' : checkCommandId(id), query: new URLSearchParams(query) };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
