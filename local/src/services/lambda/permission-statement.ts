/** A permission as AddPermission and the template's `AWS::Lambda::Permission` spell it. */
export interface Permission {
  readonly Principal: string;
  readonly Action: string;
  readonly SourceArn?: string;
  readonly SourceAccount?: string;
}

/** The permission as a statement of the function's policy. */
export function permissionStatement({ Principal: given, Action, SourceArn, SourceAccount }: Permission): object {
  const isService = /^[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?$/.test(given);
  const Condition = {
    ...(SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': SourceArn } }),
    ...(SourceAccount !== undefined && { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
  };
  const Principal = isService ? { Service: given } : given === '*' ? given : { AWS: given };
  return { Principal, Action, ...(Object.keys(Condition).length > 0 && { Condition }) };
}
