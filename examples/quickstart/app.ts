import { App } from 'aws-cdk-lib';
import { QuickstartStack } from './stack';

new QuickstartStack(new App(), 'Quickstart');
