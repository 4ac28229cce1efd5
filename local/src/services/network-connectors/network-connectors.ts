import { randomUUID } from 'node:crypto';
import type { ConnectorInput } from './connector-input';
import { invalidConnector, readConfiguration, readName, readOperatorRole, readTags } from './connector-input';
import type { ConnectorRecord, ConnectorVersion, VpcEgress } from './connector-record';
import { latestVersion } from './connector-record';
import type { ConnectorDirectory } from '../../api';
import type { Clock } from '../../clock';
import type { Persistent } from '../../persistent';
import type { Subnets } from '../ec2/subnets';
import { ServiceError } from '../service-error';

export interface NetworkConnectorsOptions {
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
  readonly subnets: Subnets;
  /** Whether the service may take on the operator role of a connector. */
  readonly assumes: (roleArn: string) => Promise<boolean>;
  /** How long network interfaces take to come and to go. */
  readonly provisioningMs: number;
}

/** The network connectors of the account: what they are called, where they lead, how far they are. No traffic takes them. */
export class NetworkConnectors implements ConnectorDirectory, Persistent {
  readonly #connectors = new Map<string, ConnectorRecord>();
  /** Ids by client token. */
  readonly #tokens = new Map<string, string>();

  constructor(private readonly options: NetworkConnectorsOptions) {}

  all(): ConnectorRecord[] {
    return [...this.#connectors.values()];
  }

  stateOf(arn: string): string | undefined {
    const [, id, version] = /:network-connector:([^:]+)(?::(\d+))?$/.exec(arn) ?? [];
    const record = id === undefined ? undefined : this.#connectors.get(id);
    const isThere = record?.arn === (version ? arn.slice(0, -version.length - 1) : arn);
    if (!isThere || (version && !record.versions.some(({ number }) => String(number) === version))) return undefined;
    return record.state;
  }

  /** By id, name or ARN, with or without a version. Throws if there is none. */
  find(identifier: string): { readonly record: ConnectorRecord; readonly version: ConnectorVersion } {
    const [, key = identifier, number] = /^arn:.*:network-connector:([^:]+)(?::(\d+))?$/.exec(identifier) ?? [];
    const record = this.#connectors.get(key) ?? this.all().find(({ name }) => name === key);
    const isOurs = !identifier.startsWith('arn:') || record?.arn === identifier.replace(/(:network-connector:[^:]+):\d+$/, '$1');
    const wanted = record?.versions.find((other) => String(other.number) === number);
    const version = number === undefined ? record && latestVersion(record) : wanted;
    if (record && version && isOurs) return { record, version };
    throw new ServiceError('ResourceNotFoundException', `Network connector not found: ${identifier.slice(0, 140)}`, 404);
  }

  create(input: ConnectorInput): ConnectorRecord {
    const { account, region, clock } = this.options;
    const repeated = this.#connectors.get(this.#tokens.get(String(input.ClientToken)) ?? '');
    if (repeated) return repeated;
    const name = readName(input.Name);
    const version = this.#version(1, input);
    const tags = readTags(input.Tags);
    if (this.all().some((other) => other.name === name)) {
      throw new ServiceError('ResourceConflictException', `Network connector already exists: ${name}`, 409);
    }
    const id = `nc-${randomUUID()}`;
    const record: ConnectorRecord = {
      id,
      arn: `arn:aws:lambda:${region}:${account}:network-connector:${id}`,
      name,
      state: 'PENDING',
      stateReason: 'Initial creation',
      stateReasonCode: null,
      lastUpdateStatus: null,
      lastUpdateStatusReason: null,
      lastUpdateStatusReasonCode: null,
      lastModified: clock.now(),
      tags,
      versions: [version],
    };
    this.#connectors.set(id, record);
    if (typeof input.ClientToken === 'string') this.#tokens.set(input.ClientToken, id);
    this.#later(() => this.#provision(record));
    return record;
  }

  /** Makes a new version. The compute type and the protocol stay what they are. */
  update(identifier: string, input: ConnectorInput): ConnectorRecord {
    const { record } = this.find(identifier);
    const current = latestVersion(record);
    const { configuration: VpcEgressConfiguration, operatorRole: OperatorRole } = current;
    const unchanged = { Configuration: { VpcEgressConfiguration }, OperatorRole };
    const version = this.#version(current.number + 1, { ...unchanged, ...input });
    checkUnchanged(current.configuration, version.configuration);
    if (record.state !== 'ACTIVE' || record.lastUpdateStatus === 'InProgress') {
      throw new ServiceError('ResourceConflictException', `Network connector ${record.id} cannot be updated in its current state: ${record.state}`, 409);
    }
    record.versions = [...record.versions, version];
    Object.assign(record, { lastUpdateStatus: 'InProgress', lastModified: this.options.clock.now() });
    this.#later(() => void (record.lastUpdateStatus = 'Successful'));
    return record;
  }

  /** Also while microVMs use it: they lose their way into the VPC at once. */
  delete(identifier: string): ConnectorRecord {
    const { record, version } = this.find(identifier);
    if (/^arn:.*:nc-[^:]+:\d+$/.test(identifier)) {
      if (version === latestVersion(record)) throw invalidConnector('The latest version of a network connector cannot be deleted');
      record.versions = record.versions.filter((other) => other !== version);
      return record;
    }
    if (record.state === 'PENDING') {
      throw new ServiceError('ResourceConflictException', `Network connector ${record.id} cannot be deleted in its current state: PENDING`, 409);
    }
    if (record.state !== 'DELETING') {
      record.state = 'DELETING';
      this.#later(() => void this.#connectors.delete(record.id));
    }
    return record;
  }

  save(): unknown {
    return { connectors: this.all(), tokens: [...this.#tokens] };
  }

  /** What was under way has come to its end meanwhile. */
  restore(state: unknown): void {
    const { connectors, tokens } = state as { connectors: ConnectorRecord[]; tokens: [string, string][] };
    for (const record of connectors.filter((saved) => saved.state !== 'DELETING')) {
      if (record.state === 'PENDING') record.state = 'ACTIVE';
      if (record.lastUpdateStatus === 'InProgress') record.lastUpdateStatus = 'Successful';
      this.#connectors.set(record.id, record);
    }
    for (const [token, id] of tokens) this.#tokens.set(token, id);
  }

  #version(number: number, input: ConnectorInput): ConnectorVersion {
    const operatorRole = readOperatorRole(input.OperatorRole);
    const configuration = readConfiguration(input.Configuration, this.options.subnets);
    return { number, configuration, operatorRole };
  }

  async #provision(record: ConnectorRecord): Promise<void> {
    const { operatorRole } = latestVersion(record);
    if (await this.options.assumes(operatorRole)) {
      record.state = 'ACTIVE';
      return;
    }
    const stateReason = `Unable to assume the provided NetworkConnectorOperatorRole ${operatorRole}`;
    Object.assign(record, { state: 'FAILED', stateReason, stateReasonCode: 'InsufficientRolePermissions' });
  }

  #later(work: () => Promise<void> | void): void {
    this.options.clock.after(this.options.provisioningMs, work);
  }
}

function checkUnchanged(before: VpcEgress, after: VpcEgress): void {
  for (const name of ['NetworkProtocol', 'AssociatedComputeResourceTypes'] as const) {
    if (String(before[name]) !== String(after[name])) throw invalidConnector(`${name} of a network connector cannot be changed`);
  }
}
