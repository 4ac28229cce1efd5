import type { Builder } from './builder';
import { IMAGE_METRICS } from '../../src/contract/image';
import { METRIC_NAMESPACE } from '../../src/contract/metrics';

type Metric = 'buildFailed' | 'buildDuration' | 'deprecatedBase';

/** Writes a metric in CloudWatch's embedded format: a log line of its own. */
export function measure({ log, clock }: Builder, imageName: string, [metric, value]: [Metric, number]): void {
  const Name = IMAGE_METRICS[metric];
  const Unit = metric === 'buildDuration' ? 'Milliseconds' : 'Count';
  log({
    _aws: {
      Timestamp: clock.now(),
      CloudWatchMetrics: [
        { Namespace: METRIC_NAMESPACE, Dimensions: [[IMAGE_METRICS.dimension]], Metrics: [{ Name, Unit }] },
      ],
    },
    [IMAGE_METRICS.dimension]: imageName,
    [Name]: value,
  });
}
