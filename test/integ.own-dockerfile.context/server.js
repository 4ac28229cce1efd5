require('node:http').createServer((request, response) => {
  response.end(`${process.env.GREETING} at ${request.url}`);
}).listen(process.env.PORT ?? 8080);
