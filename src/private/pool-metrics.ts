import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC_NAMESPACE } from '../contract/metrics';
import { POOL_METRICS } from '../contract/pool';

/** A metric that the functions of a pool report. */
export function poolMetric(poolName: string, metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    period: Duration.minutes(5),
    ...options,
    dimensionsMap: { [POOL_METRICS.dimension]: poolName, ...options.dimensionsMap },
  });
}
