/** `Fn::Cidr`: `count` blocks of `2 ** bits` addresses from the start of `block`, of IPv4 or IPv6. */
export function cidrBlocks(block: string, count: number, bits: number): string[] {
  const [, address, length] = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(block) ?? [];
  if (!address) throw new Error(`Fn::Cidr: "${block}" is not a block of addresses, as in 10.0.0.0/16`);
  const isIpv6 = address.includes(':');
  const width = isIpv6 ? 128 : 32;
  if (!(count >= 1 && count <= 256) || !(bits >= 1) || Math.log2(count) + bits > width - Number(length)) {
    throw new Error(`Template error: Fn::Cidr can not make ${count} blocks of ${bits} bits in ${block}`);
  }
  const start = isIpv6 ? ipv6Number(address) : ipv4Number(address);
  const text = isIpv6 ? ipv6Text : ipv4Text;
  const size = 2n ** BigInt(bits);
  return Array.from({ length: count }, (_, index) => `${text(start + BigInt(index) * size)}/${width - bits}`);
}

function ipv4Number(address: string): bigint {
  return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function ipv4Text(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address / 2n ** shift) % 256n).join('.');
}

function ipv6Number(address: string): bigint {
  const [head, tail] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = tail ? Array.from({ length: 8 - head.length - tail.length }, () => '0') : [];
  return [...head, ...zeros, ...tail ?? []].reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n);
}

function ipv6Text(address: bigint): string {
  const group = (index: number): bigint => (address / 65_536n ** BigInt(7 - index)) % 65_536n;
  const groups = Array.from({ length: 8 }, (_, index) => group(index).toString(16));
  return groups.join(':').replace(/(?:^|:)0(?::0)+(?:$|:)/, '::');
}
