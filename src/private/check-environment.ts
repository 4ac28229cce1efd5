import { Annotations, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ValidationError } from '../validation-error';

const MAX_VARIABLES = 50;
const MAX_NAME_LENGTH = 256;
const MAX_VALUE_LENGTH = 4096;
const RESERVED = /^(AWS_REGION$|AWS_LAMBDA_MICROVM_)/;
const SECRET_LOOKING = /SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL/i;
const REFERENCE = /_ARN$/i;

/** Refuses what the platform would refuse, and warns of what looks like a secret. */
export function checkEnvironment(scope: Construct, environment: Readonly<Record<string, string>>): void {
  const names = Object.keys(environment);
  if (names.length > MAX_VARIABLES) {
    throw new ValidationError(
      `environment: has ${names.length} variables, allowed are at most ${MAX_VARIABLES}; put the others into a file of the source`, scope,
    );
  }
  for (const name of names) {
    checkName(scope, name);
    checkValue(scope, name, environment[name]);
  }
  const suspects = names.filter((name) => SECRET_LOOKING.test(name) && !REFERENCE.test(name));
  if (suspects.length > 0) {
    Annotations.of(scope).addWarningV2(
      'cdk-microvm-sandbox:secretInEnvironment',
      `environment: ${suspects.join(', ')} looks like a secret. The environment is baked into the snapshot that every microVM of the `
      + 'image shares, and can be read back from it: pass the name or ARN of a secret instead, or hand the value to one sandbox.',
    );
  }
}

function checkName(scope: Construct, name: string): void {
  if (Token.isUnresolved(name)) return;
  if (name.length < 1 || name.length > MAX_NAME_LENGTH || /\s/.test(name)) {
    throw new ValidationError(
      `environment: the name '${name}' must have 1 to ${MAX_NAME_LENGTH} characters and no whitespace; choose another name`, scope,
    );
  }
  if (RESERVED.test(name)) {
    throw new ValidationError(`environment: ${name} is set by the platform; choose another name`, scope);
  }
}

function checkValue(scope: Construct, name: string, value: string): void {
  if (Token.isUnresolved(value)) return;
  if (value.length > MAX_VALUE_LENGTH) {
    // The value may be a secret after all, so it stays out of the message.
    throw new ValidationError(
      `environment: the value of ${name} has ${value.length} characters, allowed are at most ${MAX_VALUE_LENGTH}; put it into a file of the source`,
      scope,
    );
  }
}
