import { namedStandIn } from './named-stand-in';

/** Queues and topics take no messages here, and alarms look at no metric: what is sent to them is gone. */
export const queue = namedStandIn({
  name: 'QueueName',
  maxLength: 80,
  createOnly: ['FifoQueue'],
  describe: (name, { region, account }) => {
    const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
    return { physicalId: QueueUrl, attributes: { Arn: `arn:aws:sqs:${region}:${account}:${name}`, QueueName: name, QueueUrl } };
  },
});

export const topic = namedStandIn({
  name: 'TopicName',
  maxLength: 256,
  createOnly: ['FifoTopic'],
  describe: (name, { region, account }) => {
    const arn = `arn:aws:sns:${region}:${account}:${name}`;
    return { physicalId: arn, attributes: { TopicArn: arn, TopicName: name } };
  },
});

export const alarm = namedStandIn({
  name: 'AlarmName',
  maxLength: 255,
  describe: (name, { region, account }) => ({ physicalId: name, attributes: { Arn: `arn:aws:cloudwatch:${region}:${account}:alarm:${name}` } }),
});

export const dashboard = namedStandIn({
  name: 'DashboardName',
  maxLength: 255,
  describe: (name) => ({ physicalId: name, attributes: {} }),
});
