import { App, CfnResource, Stack } from 'aws-cdk-lib';

/** A template that CloudFormation would refuse: proves that the check of templates sees one. */
new CfnResource(new Stack(new App(), 'Defective'), 'Role', {
  type: 'AWS::IAM::Role', properties: { AssumeRolePolicyDocument: {}, MaxSessionDuration: 'an hour' },
});
