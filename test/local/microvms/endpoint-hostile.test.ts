import { EndpointStand, HANDSHAKE, head, until } from './endpoint-stand';

let stand: EndpointStand;
afterEach(() => stand.close());

/** A guest that says `answer`, whatever it is asked, and leaves the connection as it is. */
async function standSaying(answer: string | Buffer): Promise<EndpointStand> {
  stand = await new EndpointStand((socket) => {
    socket.once('data', () => socket.write(answer));
  }).open();
  return stand;
}

const EMPTY_502 = /^HTTP\/1\.1 502 Bad Gateway\r\n(?:[^\r]+\r\n)*content-length: 0\r\n(?:[^\r]+\r\n)*\r\n$/i;

describe('a hostile guest', () => {
  test.each([
    ['garbage', 'this is no HTTP\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 099 No\r\ncontent-length: 0\r\n\r\n'],
    ['a control character in the reason', 'HTTP/1.1 200 \x01\r\ncontent-length: 0\r\n\r\n'],
    ['a bare carriage return in a header', 'HTTP/1.1 200 OK\r\nx: a\rset-cookie: b=1\r\ncontent-length: 0\r\n\r\n'],
    ['a zero byte in a header', 'HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n'],
    ['both lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc'],
    ['a TLS greeting', Buffer.from('16030100050100000100', 'hex')],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nfree bytes'],
    ['a head without an end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`],
    ['one endless header', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`],
  ])('fails with an empty 502 on %s', async (_, answer) => {
    await standSaying(answer);
    const client = stand.client().send(head('GET', '/'));
    await client.until('\r\n\r\n');
    expect(client.received).toMatch(EMPTY_502);
    await until('no line to the guest', () => stand.lines.every(({ destroyed }) => destroyed));
  });

  test('fails with an empty 502 if the guest hangs up without a word', async () => {
    stand = await new EndpointStand((socket) => socket.destroy()).open();
    expect(await stand.client().send(head('GET', '/')).until('\r\n\r\n')).toMatch(EMPTY_502);
  });

  test('cannot put a second answer behind its first', async () => {
    await standSaying('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged');
    const client = stand.client().send(head('GET', '/one'));
    await client.until('ok');
    client.send(head('GET', '/two'));
    await until('the second answer', () => client.received.split('200 OK').length === 3);
    expect(client.received).not.toContain('forged');
    expect(stand.lines).toHaveLength(2);
  });

  test('a body shorter than promised breaks the answer off', async () => {
    stand = await new EndpointStand((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'));
    }).open();
    const client = stand.client().send(head('GET', '/'));
    await client.closed;
    expect(client.received).toContain('short');
  });

  test('a bad chunk breaks the answer off', async () => {
    await standSaying('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n');
    const client = stand.client().send(head('GET', '/'));
    await client.closed;
    expect(client.received).not.toContain('0\r\n\r\n');
  });

  test('one that takes the request and says nothing costs nothing once the client is gone', async () => {
    stand = await new EndpointStand((socket) => void socket.resume()).open();
    const client = stand.client().send(head('GET', '/'));
    await until('the line', () => stand.lines.length === 1);
    client.socket.destroy();
    await until('no line', () => stand.lines[0].destroyed);
  });

  test('interim answers do not reach the client, and the final one does', async () => {
    await standSaying(`${'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(50)}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`);
    const client = stand.client().send(head('GET', '/'));
    expect(await client.until('ok')).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test('fails with 502 on an answer to a WebSocket that no server may send', async () => {
    await standSaying('HTTP/1.1 101 \x01\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    const client = stand.client().send(head('GET', '/', HANDSHAKE));
    await client.closed;
    expect(client.received).toMatch(EMPTY_502);
  });
});

describe('a hostile client', () => {
  const reached = async (request: string): Promise<{ status: string; guest: string }> => {
    let guest = '';
    stand = await new EndpointStand((socket) => {
      socket.on('data', (chunk) => void (guest += chunk.toString('latin1')));
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    }).open();
    const client = stand.client().send(request);
    const answer = await client.until('\r\n\r\n');
    return { status: answer.slice(9, 12), guest };
  };

  test.each([
    ['both lengths', head('POST', '/', { 'content-length': '5', 'transfer-encoding': 'chunked' }), '400'],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: stand\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello', '400'],
    ['a transfer encoding that is not chunked', head('POST', '/', { 'transfer-encoding': 'chunked, identity' }), '400'],
    ['a length that is no number', head('POST', '/', { 'content-length': '+5' }), '400'],
    ['a header name with a space', head('GET', '/', { 'x y': 'z' }), '400'],
    ['a folded header', 'GET / HTTP/1.1\r\nhost: stand\r\nx: a\r\n b\r\n\r\n', '400'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', '400'],
    ['huge headers', head('GET', '/', { 'x-big': 'y'.repeat(64 * 1024) }), '431'],
    ['an upgrade to something else', head('GET', '/', { ...HANDSHAKE, upgrade: 'h2c' }), '400'],
    ['an upgrade that is no GET', head('POST', '/', HANDSHAKE), '400'],
    ['a WebSocket without a key', head('GET', '/', { ...HANDSHAKE, 'sec-websocket-key': '' }), '400'],
    ['a WebSocket with a body', `${head('GET', '/', { ...HANDSHAKE, 'content-length': '3' })}abc`, '400'],
    ['a WebSocket with chunks', `${head('GET', '/', { ...HANDSHAKE, 'transfer-encoding': 'chunked' })}0\r\n\r\n`, '400'],
  ])('gets its answer to %s', async (_, request, status) => {
    const result = await reached(request);
    expect(result.status).toBe(status);
    expect(result.guest).toBe('');
  });

  test('the name of another host, a request id and a hidden port do not reach the guest', async () => {
    const { guest } = await reached('GET / HTTP/1.1\r\nHost: Stand:443\r\nX-Amzn-RequestId: forged\r\nX-AWS-Proxy-Force-H2: true\r\n\r\n');
    expect(guest).toMatch(/^GET \/ HTTP\/1\.1\r\nhost: stand\r\n/);
    expect(guest).not.toMatch(/forged|proxy|:443/i);
    expect(guest.match(/x-amzn-requestid: [0-9a-f-]{36}\r\n/g)).toHaveLength(1);
  });

  test('bytes sent ahead of the answer to a WebSocket reach the guest only as part of the WebSocket', async () => {
    let guest = '';
    stand = await new EndpointStand((socket) => {
      socket.on('data', (chunk) => void (guest += chunk.toString('latin1')));
      socket.once('data', () => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone'));
    }).open();
    const client = stand.client().send(`${head('GET', '/', HANDSHAKE)}GET /smuggled HTTP/1.1\r\nhost: stand\r\n\r\n`);
    expect(await client.until('none')).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[^]*connection: close\r\n\r\nnone$/);
    await client.closed;
    expect(guest).not.toContain('smuggled');
  });
});
