const { readFileSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:http');

// Relative to the working directory, which is part of the sandbox: it survives a suspend like memory does.
const VISITS_FILE = 'visits.txt';
const port = Number(process.env.PORT ?? 8080);

let inMemory = 0;

function countInFile() {
  let visits = 0;
  try {
    visits = Number(readFileSync(VISITS_FILE, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  writeFileSync(VISITS_FILE, String(visits + 1));
  return visits + 1;
}

const server = createServer((request, response) => {
  if (request.url !== '/') {
    response.writeHead(404).end();
    return;
  }
  inMemory += 1;
  const body = { greeting: process.env.GREETING ?? 'Hello', pid: process.pid, inMemory, inFile: countInFile() };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});

server.listen(port, () => console.log(`listening on ${port}`));
