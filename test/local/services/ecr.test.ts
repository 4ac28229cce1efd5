import { EcrService } from '../../../local/src/services/ecr/ecr-service';

const ecr = new EcrService('000000000000');

async function answer(operation: string, input: object = {}) {
  const headers = { 'x-amz-target': `AmazonEC2ContainerRegistry_V20150921.${operation}` };
  const { status, body } = await ecr.handle({
    method: 'POST', path: '/', query: new URLSearchParams(), headers, body: Buffer.from(JSON.stringify(input)), accessKeyId: '',
  });
  return { status, body: JSON.parse(String(body)) as unknown };
}

test('has no repositories', async () => {
  expect(await answer('DescribeRepositories')).toEqual({ status: 200, body: { repositories: [] } });
});

test.each([
  ['a repository', 'DescribeRepositories', { repositoryNames: ['assets'] }, 'RepositoryNotFoundException', /'assets' does not exist.*zip asset/],
  ['images of one', 'DescribeImages', { repositoryName: 'assets' }, 'RepositoryNotFoundException', /'assets' does not exist/],
  ['a login', 'GetAuthorizationToken', {}, 'InvalidParameterException', /deploy the function from a zip asset/],
  ['what it does not have', 'PutImage', {}, 'UnknownOperationException', /"PutImage"/],
])('fails on %s', async (_, operation, input, type, message) => {
  const { status, body } = await answer(operation, input);
  expect(status).toBe(400);
  expect(body).toMatchObject({ __type: type, message: expect.stringMatching(message) });
});
