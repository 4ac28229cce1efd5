import { App } from 'aws-cdk-lib';
import { WebAppStack } from './stack';

new WebAppStack(new App(), 'WebApp');
