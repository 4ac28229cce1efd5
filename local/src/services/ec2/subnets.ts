import type { Persistent } from '../../persistent';

/** What others ask about a subnet. */
export interface SubnetFacts {
  readonly vpcId: string;
  readonly availabilityZone: string;
  /** The same for all accounts, as in `use1-az1`. */
  readonly availabilityZoneId: string;
}

/**
 * Zones by letter. On AWS each account has an order of its own; here the zone that MicroVMs do not have is one that no template gets
 * without asking for it.
 */
const ZONES_OF_US_EAST_1: Readonly<Record<string, number>> = { a: 1, b: 2, c: 4, d: 6, e: 3, f: 5 };

/** The subnets that stacks of this account have made. There is no network behind them. */
export class Subnets implements Persistent {
  readonly #subnets = new Map<string, SubnetFacts>();

  put(subnetId: string, facts: SubnetFacts): void {
    this.#subnets.set(subnetId, facts);
  }

  remove(subnetId: string): void {
    this.#subnets.delete(subnetId);
  }

  /** Undefined: no stack here has made it, and nothing is known of it. */
  find(subnetId: string): SubnetFacts | undefined {
    return this.#subnets.get(subnetId);
  }

  save(): unknown {
    return [...this.#subnets];
  }

  restore(state: unknown): void {
    for (const [subnetId, facts] of state as [string, SubnetFacts][]) this.#subnets.set(subnetId, facts);
  }
}

/** The id of a zone, `use1-az1` for `us-east-1a`. */
export function zoneIdOf(zone: string): string {
  const { prefix, region, letter } = partsOf(zone);
  return `${prefix}-az${(region === 'us-east-1' ? ZONES_OF_US_EAST_1[letter] : undefined) ?? letter.charCodeAt(0) - 96}`;
}

/** The name of the zone of a Region that has this id. Undefined: none has it. */
export function zoneNameOf(region: string, zoneId: string): string | undefined {
  return [...'abcdef'].map((letter) => `${region}${letter}`).find((zone) => zoneIdOf(zone) === zoneId);
}

function partsOf(zone: string): { readonly prefix: string; readonly region: string; readonly letter: string } {
  const [, region = zone, letter = 'a'] = /^(.*\d)([a-z])$/.exec(zone) ?? [];
  const [area, ...rest] = region.split('-');
  const number = rest.pop() ?? '1';
  // us-east-1: use1; ap-southeast-2: apse2.
  const direction = rest.join('').replace(/north|south|east|west|central/g, (word) => word[0]);
  return { prefix: `${area}${direction}${number}`, region, letter };
}
