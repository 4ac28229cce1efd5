/**
 * On whose behalf the platform may assume a role.
 *
 * Without a condition the platform could be made to assume the role by somebody else's account that knows its ARN.
 */
export enum TrustCondition {
  /** On behalf of this account only (`aws:SourceAccount`): seen to work, for builds and for microVMs. */
  SOURCE_ACCOUNT = 'SOURCE_ACCOUNT',

  /**
   * On behalf of this account's images and microVMs only (`aws:SourceAccount` and `aws:SourceArn`).
   *
   * AWS documents it with the ARNs of images; in the field builds and starts were refused with "unable to assume the role", which some
   * answers report as a missing `iam:PassRole` of the caller. Try it with your account first.
   */
  SOURCE_ACCOUNT_AND_ARN = 'SOURCE_ACCOUNT_AND_ARN',

  /** On behalf of anybody who may pass the role. For an account in which the platform is refused with a condition. */
  NONE = 'NONE',
}
