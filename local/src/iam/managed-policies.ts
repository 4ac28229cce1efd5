const LAMBDA_BASIC = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];
const NETWORK_INTERFACES = [
  'ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets', 'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses',
];

const CLOUDFORMATION_READ_ONLY = [
  'cloudformation:Describe*', 'cloudformation:Detect*', 'cloudformation:EstimateTemplateCost', 'cloudformation:Get*', 'cloudformation:List*',
  'cloudformation:ValidateTemplate',
];
/** Of the services that are here; AWS's own policy goes over all. */
const READ_ONLY = [
  ...CLOUDFORMATION_READ_ONLY,
  'dynamodb:BatchGet*', 'dynamodb:Describe*', 'dynamodb:Get*', 'dynamodb:List*', 'dynamodb:PartiQLSelect', 'dynamodb:Query', 'dynamodb:Scan',
  'ec2:Describe*', 'ec2:Get*',
  'ecr:BatchCheck*', 'ecr:BatchGet*', 'ecr:Describe*', 'ecr:Get*', 'ecr:List*',
  'events:Describe*', 'events:List*', 'events:Test*',
  'iam:Generate*', 'iam:Get*', 'iam:List*', 'iam:Simulate*',
  'kms:Describe*', 'kms:Get*', 'kms:List*',
  'lambda:Get*', 'lambda:List*',
  'logs:Describe*', 'logs:FilterLogEvents', 'logs:Get*', 'logs:List*', 'logs:TestMetricFilter',
  's3:DescribeJob', 's3:Get*', 's3:List*',
  'ssm:Describe*', 'ssm:Get*', 'ssm:List*',
  'states:Describe*', 'states:GetExecutionHistory', 'states:List*',
  'sts:GetAccessKeyInfo', 'sts:GetCallerIdentity', 'sts:GetSessionToken',
];

function allow(...Action: readonly string[]): unknown {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] };
}

/** The documents of the policies of AWS's own that templates of this project and of a bootstrap name, by ARN. */
export const MANAGED_POLICIES: Readonly<Record<string, unknown>> = {
  'arn:aws:iam::aws:policy/AdministratorAccess': allow('*'),
  'arn:aws:iam::aws:policy/AWSCloudFormationReadOnlyAccess': allow(...CLOUDFORMATION_READ_ONLY),
  'arn:aws:iam::aws:policy/ReadOnlyAccess': allow(...READ_ONLY),
  'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole': allow(...LAMBDA_BASIC),
  'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole': allow(...LAMBDA_BASIC, ...NETWORK_INTERFACES),
};
