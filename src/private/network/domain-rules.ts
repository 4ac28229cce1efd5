import { Token } from 'aws-cdk-lib';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { domainName, withSubdomains } from './domain-name';
import type { AllowDomainsOptions } from '../../domain-enforcement';
import { DomainEnforcement } from '../../domain-enforcement';
import { ValidationError } from '../../validation-error';

/** As many as the API of DNS Firewall takes at a time. */
const MAX_DOMAINS = 255;

/** What all calls of `allowDomains` on one network came to. Grows until the template is written. */
export class DomainRules {
  private readonly domains = new Set<string>();
  private decided?: DomainEnforcement;
  private retention?: logs.RetentionDays;
  private http = false;

  /** Takes all of a call or, with an error, nothing of it. */
  public add(domains: readonly string[], options: AllowDomainsOptions): void {
    const names = [...new Set([...this.domains, ...namesOf(domains)])];
    if (names.length > MAX_DOMAINS) {
      throw new ValidationError(`domains: got ${names.length} in all, allowed are ${MAX_DOMAINS}; write neighbours as *.example.com`);
    }
    const enforcement = this.enforcementWith(options);
    this.retention = this.retentionWith(options, enforcement);
    this.decided = enforcement;
    this.http ||= options.plainHttp ?? false;
    for (const name of names) this.domains.add(name);
  }

  /** Whether names decide at all. */
  public get isEmpty(): boolean {
    return this.domains.size === 0;
  }

  public get names(): string[] {
    return [...this.domains];
  }

  /** The names as Network Firewall takes them. */
  public get targets(): string[] {
    return [...new Set(this.names.map(withSubdomains))];
  }

  public get enforcement(): DomainEnforcement {
    return this.decided ?? DomainEnforcement.DNS;
  }

  public get plainHttp(): boolean {
    return this.http;
  }

  public get alertLogRetention(): logs.RetentionDays | undefined {
    return this.retention;
  }

  private enforcementWith({ enforcement = this.enforcement }: AllowDomainsOptions): DomainEnforcement {
    if (this.decided !== undefined && enforcement !== this.decided) {
      throw new ValidationError(
        `enforcement: got ${enforcement}, but an earlier allowDomains() of this network has ${this.decided}; a network has one for all names`,
      );
    }
    return enforcement;
  }

  private retentionWith(
    { alertLogRetention = this.retention }: AllowDomainsOptions,
    enforcement: DomainEnforcement,
  ): logs.RetentionDays | undefined {
    if (alertLogRetention !== undefined && enforcement !== DomainEnforcement.SNI) {
      throw new ValidationError('alertLogRetention: DNS Firewall writes no such log; leave it out, or use DomainEnforcement.SNI');
    }
    if (this.retention !== undefined && alertLogRetention !== this.retention) {
      throw new ValidationError(
        `alertLogRetention: got ${alertLogRetention}, but an earlier allowDomains() of this network has ${this.retention}; a network has one log`,
      );
    }
    return alertLogRetention;
  }
}

function namesOf(domains: readonly string[]): string[] {
  if (Token.isUnresolved(domains)) {
    throw new ValidationError('domains: a list that is known at deployment only cannot be checked; name the domains in the code');
  }
  if (domains.length === 0) {
    throw new ValidationError('domains: got none, allowed are 1 or more; a network that allows nothing is SandboxNetwork.isolated()');
  }
  return domains.map(domainName);
}
