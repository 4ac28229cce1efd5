import { App, CfnParameter, CfnResource } from 'aws-cdk-lib';
import { SandboxImage } from 'cdk-microvm-sandbox';
import { nativeImage } from './native-image';
import { LAMBDA_ARN, newStack } from './synthesized';

const attributes = { imageArn: `${LAMBDA_ARN}:microvm-image:theirs`, imageVersion: '3.0' };
const imported = (overrides = {}) => SandboxImage.fromSandboxImageAttributes(newStack(), 'Image', { ...attributes, ...overrides });

describe('an image that exists already', () => {
  test('is known by its attributes and creates nothing', () => {
    const image = imported({ daemonPort: 8080, hookPort: 9000 });
    expect(image).toMatchObject({ ...attributes, imageName: 'theirs', versionPinned: true, daemonPort: 8080, hookPort: 9000 });
    expect(image.microvmImageRef).toEqual({ imageArn: attributes.imageArn });
    expect(image.env).toEqual({ account: '123456789012', region: 'us-east-1' });
    expect(image.node.findAll().filter(CfnResource.isCfnResource)).toEqual([]);
  });

  test('has neither runtime nor hooks unless told', () => {
    expect([imported().daemonPort, imported().hookPort]).toEqual([undefined, undefined]);
  });

  test('is followed without a version, and has none to read', () => {
    const image = imported({ imageVersion: undefined });
    expect(image.versionPinned).toBe(false);
    expect(() => image.imageVersion).toThrow('imageVersion: the image was imported without one, and pools follow it');
  });

  test.each([`${LAMBDA_ARN}:microvm-image/theirs`, 'theirs', `${LAMBDA_ARN}:function:theirs`])('fails on the ARN %s', (imageArn) => {
    expect(() => imported({ imageArn })).toThrow(`imageArn: '${imageArn}' is not the ARN of an image`);
  });

  test.each(['latest', '3', ''])('fails on the version %j', (imageVersion) => {
    expect(() => imported({ imageVersion })).toThrow(`imageVersion: '${imageVersion}' is not an exact version; it looks like 3.0`);
  });

  describe.each(['daemonPort', 'hookPort'])('%s', (name) => {
    test.each([0, -1, 80.5, 65536, NaN])('%d is no port', (port) => {
      expect(() => imported({ [name]: port })).toThrow(`${name}: got ${port}, allowed are whole numbers from 1 to 65535`);
    });

    test('8443 is the platform\'s', () => {
      expect(() => imported({ [name]: 8443 })).toThrow(`${name}: on 8443 the platform's own agent listens in every microVM; use another port`);
    });
  });

  test('may be known by tokens', () => {
    const stack = newStack();
    const parameter = new CfnParameter(stack, 'Arn').valueAsString;
    const image = SandboxImage.fromSandboxImageAttributes(stack, 'Image', { imageArn: parameter, imageVersion: parameter });
    expect(stack.resolve(image.imageArn)).toEqual({ Ref: 'Arn' });
    expect(image.versionPinned).toBe(true);
  });
});

describe("an image of AWS's own resource", () => {
  const native = (stack = newStack('Stack', new App())) => nativeImage(stack);

  test('is followed, and told which ports it has', () => {
    const cfnImage = native();
    const image = SandboxImage.fromMicrovmImage(cfnImage.stack, 'Image', cfnImage, { daemonPort: 8080, hookPort: 9000 });

    expect(cfnImage.stack.resolve(image.imageArn)).toEqual({ Ref: 'Native' });
    expect(image).toMatchObject({ versionPinned: false, daemonPort: 8080, hookPort: 9000 });
  });

  test('is pinned to the version that is given', () => {
    const cfnImage = native();
    const image = SandboxImage.fromMicrovmImage(cfnImage.stack, 'Image', cfnImage, { imageVersion: cfnImage.attrLatestActiveImageVersion });
    expect(image.versionPinned).toBe(true);
    expect(cfnImage.stack.resolve(image.imageVersion)).toEqual({ 'Fn::GetAtt': ['Native', 'LatestActiveImageVersion'] });
  });

  test('an image of ours is one, too', () => {
    const stack = newStack();
    const image = SandboxImage.fromMicrovmImage(stack, 'Again', imported());
    expect(image).toMatchObject({ imageArn: attributes.imageArn, imageName: 'theirs', versionPinned: false });
  });
});
