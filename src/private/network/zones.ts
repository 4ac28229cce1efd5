import type { Stack } from 'aws-cdk-lib';
import { Aws, CfnMapping, Fn, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';

/** Two zones per Region that take part. By id: the same zone has another name in another account. */
const ZONE_IDS: Readonly<Record<string, readonly [string, string]>> = {
  'us-east-1': ['use1-az1', 'use1-az2'],
  'us-east-2': ['use2-az1', 'use2-az2'],
  'us-west-2': ['usw2-az1', 'usw2-az2'],
  'eu-west-1': ['euw1-az1', 'euw1-az2'],
  'eu-central-1': ['euc1-az1', 'euc1-az2'],
  'eu-north-1': ['eun1-az1', 'eun1-az2'],
  'ap-northeast-1': ['apne1-az1', 'apne1-az4'],
  'ap-south-1': ['aps1-az1', 'aps1-az3'],
  'ap-southeast-1': ['apse1-az1', 'apse1-az2'],
  'ap-southeast-2': ['apse2-az1', 'apse2-az2'],
};

/** Where the service refuses a connector: "Availability zone use1-az3 is not available for compute type MicroVm". */
export const UNSUPPORTED_ZONE_IDS: readonly string[] = ['use1-az3'];

/** Where the service is. */
export const SUPPORTED_REGIONS: readonly string[] = Object.keys(ZONE_IDS);

/** Whether a Region may have a zone that does not take part. */
export function hasUnsupportedZones(region: string): boolean {
  return Token.isUnresolved(region) || !SUPPORTED_REGIONS.includes(region)
    || UNSUPPORTED_ZONE_IDS.some((id) => zonePrefix(id) === zonePrefix(ZONE_IDS[region][0]));
}

type Zone = Pick<ec2.CfnSubnetProps, 'availabilityZone' | 'availabilityZoneId'>;

/** The zone of a subnet of our own. */
export function zoneOf(stack: Stack, index: number): Zone {
  const { region } = stack;
  if (Token.isUnresolved(region)) {
    return { availabilityZoneId: zoneMapping(stack).findInMap(Aws.REGION, `Zone${index}`) };
  }
  if (ZONE_IDS[region] === undefined) return { availabilityZone: Fn.select(index, Fn.getAzs()) };
  return { availabilityZoneId: ZONE_IDS[region][index] };
}

/** For a stack that learns its Region when it is deployed. */
function zoneMapping(stack: Stack): CfnMapping {
  const id = 'SandboxZones';
  const mapping = Object.fromEntries(
    Object.entries(ZONE_IDS).map(([region, ids]) => [region, Object.fromEntries(ids.map((zone, index) => [`Zone${index}`, zone]))]),
  );
  // Only we use this id, and always for a mapping.
  return stack.node.tryFindChild(id) as CfnMapping | undefined ?? new CfnMapping(stack, id, { mapping });
}

function zonePrefix(zoneId: string): string {
  return zoneId.split('-')[0];
}
