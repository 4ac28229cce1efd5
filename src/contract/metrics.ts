/** Namespace of all metrics that the functions of images and pools write, in CloudWatch's embedded metric format, to their logs. */
export const METRIC_NAMESPACE = 'CdkMicrovmSandbox';
