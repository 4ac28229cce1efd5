import { METRIC_NAMESPACE } from '../../src/contract/metrics';
import { POOL_METRICS } from '../../src/contract/pool';

type MetricName = Exclude<keyof typeof POOL_METRICS, 'dimension'>;
export type Measured = Partial<Record<MetricName, number>>;

const MILLISECONDS: readonly MetricName[] = ['createDuration'];

/**
 * Members of a log line that CloudWatch reads as metrics of the pool (its embedded metric format). None where nothing was measured:
 * a metric costs by the hour in which it is reported.
 */
export function metricMembers(poolName: string, now: number, measured: Measured): Record<string, unknown> {
  const names = (Object.keys(measured) as MetricName[]).filter((name) => measured[name] !== undefined);
  if (names.length === 0) return {};
  return {
    _aws: {
      Timestamp: now,
      CloudWatchMetrics: [{
        Namespace: METRIC_NAMESPACE,
        Dimensions: [[POOL_METRICS.dimension]],
        Metrics: names.map((name) => ({ Name: POOL_METRICS[name], Unit: MILLISECONDS.includes(name) ? 'Milliseconds' : 'Count' })),
      }],
    },
    [POOL_METRICS.dimension]: poolName,
    ...Object.fromEntries(names.map((name) => [POOL_METRICS[name], measured[name]])),
  };
}
