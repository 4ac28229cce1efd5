import type * as logs from 'aws-cdk-lib/aws-logs';

/** What keeps the code in a sandbox to the allowed domains. */
export enum DomainEnforcement {
  /**
   * Route 53 Resolver DNS Firewall: other names are not resolved. It holds for the whole VPC, and code that knows an address without its
   * name is not stopped. Costs by the query, nothing by the hour.
   */
  DNS = 'dns',

  /**
   * AWS Network Firewall besides: a connection whose TLS handshake names no allowed domain is cut, and so is all that is not TLS. Needs a
   * VPC of the network's own, and costs about 580 USD a month in us-east-1 before the first byte.
   */
  SNI = 'sni',
}

/** How domains are allowed. */
export interface AllowDomainsOptions {
  /**
   * What keeps the code in a sandbox to the allowed domains. One for all calls on a network.
   *
   * @default DomainEnforcement.DNS, or that of an earlier call
   */
  readonly enforcement?: DomainEnforcement;

  /**
   * Whether to open port 80, too. Anybody on the way can read and change what goes over it.
   *
   * @default false
   */
  readonly plainHttp?: boolean;

  /**
   * How long to keep a log of the connections that were cut, with `DomainEnforcement.SNI`. It holds addresses and names, no contents, and
   * is deleted with the stack. `encryptionKey` of `SandboxNetwork.vpc` encrypts it.
   *
   * @default - there is no such log
   */
  readonly alertLogRetention?: logs.RetentionDays;
}
