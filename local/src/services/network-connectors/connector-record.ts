/** Where a connector leads, as requests carry it and answers repeat it. */
export interface VpcEgress {
  readonly SubnetIds: readonly string[];
  readonly SecurityGroupIds: readonly string[];
  readonly NetworkProtocol: 'IPv4' | 'DualStack';
  readonly AssociatedComputeResourceTypes: readonly string[];
}

export interface ConnectorVersion {
  readonly number: number;
  readonly configuration: VpcEgress;
  readonly operatorRole: string;
}

export interface ConnectorRecord {
  /** `nc-<uuid>` */
  readonly id: string;
  /** Without a version. */
  readonly arn: string;
  readonly name: string;
  state: 'PENDING' | 'ACTIVE' | 'FAILED' | 'DELETING';
  stateReason: string | null;
  stateReasonCode: string | null;
  lastUpdateStatus: 'InProgress' | 'Successful' | 'Failed' | null;
  lastUpdateStatusReason: string | null;
  lastUpdateStatusReasonCode: string | null;
  /** Epoch milliseconds. */
  lastModified: number;
  tags: Readonly<Record<string, string>>;
  /** Oldest first; each update makes one more, and none is ever changed. */
  versions: readonly ConnectorVersion[];
}

export function latestVersion({ versions }: ConnectorRecord): ConnectorVersion {
  return versions[versions.length - 1];
}

/** What GetNetworkConnector answers; of a connector that is made or changed the service answers the same members. */
export function connectorView(record: ConnectorRecord, version = latestVersion(record)): object {
  return {
    Arn: record.arn,
    Id: record.id,
    Name: record.name,
    Configuration: { VpcEgressConfiguration: version.configuration },
    OperatorRole: version.operatorRole,
    State: record.state,
    StateReason: record.stateReason,
    StateReasonCode: record.stateReasonCode,
    LastUpdateStatus: record.lastUpdateStatus,
    LastUpdateStatusReason: record.lastUpdateStatusReason,
    LastUpdateStatusReasonCode: record.lastUpdateStatusReasonCode,
    LastModified: record.lastModified / 1000,
    LatestVersion: latestVersion(record).number,
    Version: version.number,
  };
}

export function connectorSummary({ arn, id, name, state, lastModified }: ConnectorRecord): object {
  return { Arn: arn, Id: id, Name: name, Type: 'VPC_EGRESS', State: state, LastModified: lastModified / 1000 };
}
