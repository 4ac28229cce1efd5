import { App } from 'aws-cdk-lib';
import { CodeAgentStack } from './stack';

new CodeAgentStack(new App(), 'CodeAgent');
