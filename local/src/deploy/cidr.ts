/** `Fn::Cidr` for IPv4: `count` blocks of `2 ** bits` addresses from the start of `block`. */
export function cidrBlocks(block: string, count: number, bits: number): string[] {
  const [, address, length] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(block) ?? [];
  if (!address) throw new Error(`Fn::Cidr: the local cloud divides only IPv4 blocks, got "${block}"`);
  const size = 2 ** bits;
  if (!(count >= 1 && count <= 256) || count * size > 2 ** (32 - Number(length))) {
    throw new Error(`Fn::Cidr: ${count} blocks of ${size} addresses do not fit into ${block}`);
  }
  const start = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return Array.from({ length: count }, (_, index) => `${dotted(start + index * size)}/${32 - bits}`);
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
