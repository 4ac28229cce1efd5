/** Guests for the tests: images of one file, in plain node. */

const DOCKERFILE = 'FROM scratch\nWORKDIR /workspace\nCOPY guest.js /opt/guest.js\nEXPOSE 9000\nCMD ["node", "/opt/guest.js"]\n';

const PRELUDE = `
const http = require('node:http');
const fs = require('node:fs');
const root = process.env.MICROVM_LOCAL_ROOT ?? '';
const listen = (port, handler) => {
  const server = http.createServer(handler);
  return server.listen(Number(process.env['MICROVM_LOCAL_PORT_' + port] ?? port), '127.0.0.1');
};
`;

export function guest(source: string, dockerfile = DOCKERFILE): Record<string, string> {
  return { 'Dockerfile': dockerfile, 'guest.js': PRELUDE + source };
}

/** Counts requests in memory and in a file; answers anything else with what it saw. */
export const COUNTER = guest(`
let count = 0;
listen(8080, (request, response) => {
  if (request.url === '/exit') process.exit(7);
  if (request.url !== '/count') return response.end(JSON.stringify({ url: request.url, headers: request.headers, env: process.env }));
  count += 1;
  fs.appendFileSync(root + '/workspace/count', 'x');
  response.end(JSON.stringify({ memory: count, file: fs.statSync(root + '/workspace/count').size, pid: process.pid }));
});
console.log('counter is up');
`);

/** Serves its hooks with the status that the image's environment names, and tells what it was asked on 8080. */
export const HOOKED = guest(`
const seen = [];
listen(9000, (request, response) => {
  const hook = request.url.split('/').pop();
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    seen.push({ hook, method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
    const calls = seen.filter((call) => call.hook === hook).length;
    const wanted = (process.env['STATUS_' + hook] ?? '200').split(',');
    const status = wanted[Math.min(calls, wanted.length) - 1];
    if (process.env.TRACE) console.log('hook ' + hook);
    if (status !== 'silent') response.writeHead(Number(status)).end();
  });
});
listen(8080, (request, response) => response.end(JSON.stringify(seen)));
`);

export const ALL_HOOKS = {
  port: 9000,
  microvmImageHooks: { ready: 'ENABLED', readyTimeoutInSeconds: 20, validate: 'ENABLED', validateTimeoutInSeconds: 20 },
  microvmHooks: {
    run: 'ENABLED',
    runTimeoutInSeconds: 10,
    resume: 'ENABLED',
    resumeTimeoutInSeconds: 10,
    suspend: 'ENABLED',
    suspendTimeoutInSeconds: 10,
    terminate: 'ENABLED',
    terminateTimeoutInSeconds: 10,
  },
} as const;
