import {
  DeleteParameterCommand, DeleteParametersCommand, DescribeParametersCommand, GetParameterCommand,
  GetParametersByPathCommand, GetParametersCommand,
  paginateDescribeParameters, paginateGetParametersByPath, PutParameterCommand, SSMClient,
} from '@aws-sdk/client-ssm';
import { ParameterStore } from '../../../local/src/services/ssm/parameter-store';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

const VERSION = '/cdk-bootstrap/hnb659fds/version';

let cloud: TestCloud;
let client: SSMClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  client = new SSMClient(cloud.clientConfiguration);
});

afterAll(async () => {
  client.destroy();
  await cloud.stop();
});

afterEach(() => cloud.services.parameters.clear());

const put = (Name: string, Value: string, more: object = {}) => client.send(new PutParameterCommand({ Name, Value, Type: 'String', ...more }));
const get = async (Name: string, more: object = {}) => {
  return (await client.send(new GetParameterCommand({ Name, ...more }))).Parameter;
};

test('stores a parameter and tells its version, type and ARN', async () => {
  expect(await put('/app/name', 'one', { Description: 'what for' })).toMatchObject({ Version: 1, Tier: 'Standard' });
  expect(await put('/app/name', 'two', { Overwrite: true })).toMatchObject({ Version: 2 });
  expect(await get('/app/name')).toEqual({
    Name: '/app/name',
    Value: 'two',
    Type: 'String',
    Version: 2,
    DataType: 'text',
    ARN: 'arn:aws:ssm:us-east-1:000000000000:parameter/app/name',
    LastModifiedDate: expect.any(Date),
  });
});

test('finds a parameter by its ARN, whether its name begins with a slash or not', async () => {
  await put('/app/name', 'one');
  await put('plain', 'two');
  expect(await get('arn:aws:ssm:us-east-1:000000000000:parameter/app/name')).toMatchObject({ Value: 'one' });
  expect(await get('arn:aws:ssm:us-east-1:000000000000:parameter/plain')).toMatchObject({ Value: 'two' });
});

test('keeps the type and the description of a parameter that is overwritten', async () => {
  await put('list', 'a,b', { Type: 'StringList', Description: 'letters' });
  await client.send(new PutParameterCommand({ Name: 'list', Value: 'c', Overwrite: true }));
  const { Parameters } = await client.send(new DescribeParametersCommand({ ParameterFilters: [{ Key: 'Name', Values: ['list'] }] }));
  expect(Parameters).toEqual([expect.objectContaining({ Type: 'StringList', Description: 'letters', Version: 2 })]);
  expect(Parameters?.[0]).not.toHaveProperty('Value');
});

test('shows a secure string only to whoever asks for its decryption', async () => {
  await put('/secret', 'hush', { Type: 'SecureString' });
  expect((await get('/secret'))?.Value).not.toContain('hush');
  expect((await get('/secret', { WithDecryption: true }))?.Value).toBe('hush');
});

test('tells what was found of several names, and what was not', async () => {
  await put('one', '1');
  const { Parameters, InvalidParameters } = await client.send(new GetParametersCommand({ Names: ['one', 'two'] }));
  expect(Parameters?.map(({ Value }) => Value)).toEqual(['1']);
  expect(InvalidParameters).toEqual(['two']);
});

test('reads a level of a path, or all below it, in pages', async () => {
  for (const name of ['/a/x', '/a/y', '/a/b/z', '/ab/x']) await put(name, name);
  const below = async (Recursive: boolean) => {
    const names: unknown[] = [];
    for await (const { Parameters } of paginateGetParametersByPath({ client, pageSize: 1 }, { Path: '/a', Recursive })) {
      names.push(...(Parameters ?? []).map(({ Name }) => Name));
    }
    return names;
  };
  expect(await below(false)).toEqual(['/a/x', '/a/y']);
  expect(await below(true)).toEqual(['/a/b/z', '/a/x', '/a/y']);
});

test('lists parameters by what their names begin with', async () => {
  for (const name of ['/a/x', '/a/y', '/b/x']) await put(name, name);
  const names: unknown[] = [];
  const filter = { ParameterFilters: [{ Key: 'Name', Option: 'BeginsWith', Values: ['/a/'] }] };
  for await (const { Parameters = [] } of paginateDescribeParameters({ client, pageSize: 1 }, filter)) {
    names.push(...Parameters.map(({ Name }) => Name));
  }
  expect(names).toEqual(['/a/x', '/a/y']);
});

test('deletes parameters, and tells which were not there', async () => {
  await put('one', '1');
  await put('two', '2');
  await client.send(new DeleteParameterCommand({ Name: 'one' }));
  expect(await client.send(new DeleteParametersCommand({ Names: ['one', 'two'] }))).toMatchObject({ DeletedParameters: ['two'], InvalidParameters: ['one'] });
});

test('the preset version of the bootstrap can be read, is in nobody\'s way, and is there again', async () => {
  expect(await get(VERSION)).toMatchObject({ Value: '30', Version: 1 });
  expect(cloud.services.parameters.has(VERSION)).toBe(false);

  await put(VERSION, '31');
  expect(await get(VERSION)).toMatchObject({ Value: '31' });
  await client.send(new DeleteParameterCommand({ Name: VERSION }));
  expect(await get(VERSION)).toMatchObject({ Value: '30' });
});

test.each([
  ['a parameter that is not there', () => get('nothing'), 'ParameterNotFound', /nothing not found/],
  ['the deletion of one that is not there', () => client.send(new DeleteParameterCommand({ Name: 'nothing' })), 'ParameterNotFound', /nothing/],
  ['one that is there already', async () => [await put('one', '1'), await put('one', '2')], 'ParameterAlreadyExists', /overwrite option/],
  ['a name that is none', () => put('a b', '1'), 'ValidationException', /"a b"/],
  ['a name of AWS', () => put('/aws/x', '1'), 'ValidationException', /cannot be prefixed/],
  ['a value that is too long', () => put('one', 'x'.repeat(4097)), 'ValidationException', /4096/],
  ['no type', () => client.send(new PutParameterCommand({ Name: 'one', Value: '1' })), 'ValidationException', /type is required/],
  ['a type that there is none of', () => put('one', '1', { Type: 'Number' }), 'UnsupportedParameterType', /String, StringList, SecureString/],
  ['a path without a slash', () => client.send(new GetParametersByPathCommand({ Path: 'a' })), 'ValidationException', /begin with a slash/],
  ['more names than ten', () => client.send(new GetParametersCommand({ Names: [...'abcdefghijk'] })), 'ValidationException', /1 to 10/],
  ['a page of none', () => client.send(new DescribeParametersCommand({ MaxResults: 0 })), 'ValidationException', /1 to 50/],
  ['another filter', () => client.send(new DescribeParametersCommand({ ParameterFilters: [{ Key: 'KeyId', Values: ['x'] }] })), 'InvalidFilterKey', /KeyId/],
])('fails on %s', async (_, call, name, message) => {
  await expect(call()).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
});

test('a store comes back as it was saved', async () => {
  const store = new ParameterStore(cloud.clock);
  store.put('/secret', 'hush', { type: 'SecureString', description: 'why' }).put('/secret', 'hush hush');
  const restored = new ParameterStore(cloud.clock);
  restored.restore(JSON.parse(JSON.stringify(store.save())));
  expect(restored.parameters()).toEqual(store.parameters());
  expect(restored.parameter('/secret')).toMatchObject({ value: 'hush hush', version: 2, type: 'SecureString', description: 'why' });
});
