import { AuthTokens, type PortRange } from '../../../local/src/microvms/endpoint/auth-tokens';

const MICROVM = 'microvm-00000000-0000-4000-8000-000000000000';
const tokens = new AuthTokens();
const mint = (ports: readonly PortRange[], minutes = 60) => (
  tokens.mint({ microvmId: MICROVM, ports, expiresAt: Date.now() + minutes * 60_000 })
);

const everyOther = (count: number): PortRange[] => (
  Array.from({ length: count }, (_, index) => [2 * index + 1, 2 * index + 1])
);

test('a token is as long as the service\'s: 823 with a list of ports, however long it lives, 767 with all ports', () => {
  expect(mint([[8080, 8080]])).toHaveLength(823);
  expect(mint([[8080, 8080]], 1)).toHaveLength(823);
  expect(mint([[1, 2], [9000, 9999], [65_535, 65_535]])).toHaveLength(823);
  expect(mint(everyOther(75))).toHaveLength(823);
  expect(mint([[1, 65_535]])).toHaveLength(767);
});

test('a token with more separate ranges than fit grows, up to what the service\'s model allows', () => {
  const ports = everyOther(1000);
  const token = mint(ports);
  expect(token.length).toBeGreaterThan(823);
  expect(token.length).toBeLessThanOrEqual(8000);
  expect(tokens.open(token)?.ports).toEqual(ports);
  expect(() => mint(everyOther(2000))).toThrow('The 2000 separate port ranges in allowedPorts do not fit into a token');
});

test('a token opens to what it was minted with; ports that touch are one range', () => {
  const expiresAt = 1_800_000_000_000;
  const ports: PortRange[] = [[9000, 9010], [8080, 8080], [8081, 8081], [9005, 9020]];
  expect(tokens.open(tokens.mint({ microvmId: MICROVM, ports, expiresAt })))
    .toEqual({ microvmId: MICROVM, expiresAt, ports: [[8080, 8081], [9000, 9020]] });
  expect(tokens.open(mint([[1, 65_535]]))?.ports).toEqual([[1, 65_535]]);
});

test('a shell token says so and opens no port', () => {
  const token = tokens.mint({ microvmId: MICROVM, ports: [], expiresAt: 1, shell: true });
  expect(tokens.open(token)).toEqual({ microvmId: MICROVM, expiresAt: 1, ports: [], shell: true });
});

test('two tokens with the same contents differ', () => {
  expect(mint([[8080, 8080]])).not.toBe(mint([[8080, 8080]]));
});

test('fails to open with any character changed, cut, or spelled in another way', () => {
  const token = mint([[8080, 8080]]);
  for (let index = 0; index < token.length; index += 1) {
    const other = token[index] === 'A' ? 'B' : 'A';
    expect(tokens.open(token.slice(0, index) + other + token.slice(index + 1))).toBeUndefined();
  }
  const [header, key, iv, text, tag] = token.split('.');
  for (const forged of [
    '', '....', token.slice(0, -1), `${token}=`, `${token}.`, `${token} `, [header, key, iv, text, tag.slice(0, 6)].join('.'),
    [header, key, '', text, tag].join('.'), [header, key, iv, '', tag].join('.'),
    [Buffer.from('{"alg":"none"}').toString('base64url'), key, iv, text, tag].join('.'),
  ]) expect(tokens.open(forged)).toBeUndefined();
  expect(new AuthTokens().open(token)).toBeUndefined();
});
