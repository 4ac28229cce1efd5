import type { ApiRequest } from '../../../local/src/api';
import { FormFields } from '../../../local/src/services/form-fields';
import { answerQuery, QueryInput } from '../../../local/src/services/query-protocol';

const inputOf = (form: string): QueryInput => new QueryInput(new FormFields(new URLSearchParams(form)));

function answer(form: string, operation: (input: QueryInput) => unknown) {
  const body = Buffer.from(`Action=Do&${form}`);
  const request: ApiRequest = { method: 'POST', path: '/', query: new URLSearchParams(), headers: {}, body, accessKeyId: '' };
  return answerQuery(request, { name: 'sts', namespace: 'urn:x', operations: { Do: operation } });
}

test('reads members, lists and members of lists, in the order of their numbers', () => {
  const input = inputOf('A=1&L.member.10=z&L.member.2=y&R.member.1.K=k&R.member.1.V=&R.member.2.K=l&R.member.2.T.member.1=t&E=&Deep.Inner=x&Lx=no');
  expect([input.string('A'), input.string('E'), input.text('E'), input.text('None')]).toEqual(['1', undefined, '', undefined]);
  expect(input.strings('L')).toEqual(['y', 'z']);
  expect(input.records('R')?.map((record) => [record.required('K'), record.text('V'), record.strings('T')])).toEqual([['k', '', undefined], ['l', undefined, ['t']]]);
  expect([input.strings('E'), input.strings('None'), input.records('A')]).toEqual([[], undefined, []]);
  expect(['Deep', 'L', 'A', 'E', 'Dee', 'None'].map((name) => input.has(name))).toEqual([true, true, true, false, false, false]);
});

test('takes the first of a name that is there twice, as who authorises the call does', () => {
  expect(inputOf('StackName=first&StackName=second').required('StackName')).toBe('first');
});

test('fails for a member whose number is none', () => {
  for (const index of ['0', 'x', '-1', '123456', '__proto__', '1e3', '']) {
    expect(() => inputOf(`L.member.${index}=a`).strings('L')).toThrow(expect.objectContaining({ name: 'MalformedQueryString' }));
  }
});

test('fails for more fields than any operation takes', async () => {
  const fields = (count: number) => Array.from({ length: count }, (_, index) => `Tags.member.${index + 1}.Key=k`).join('&');
  expect(await answer(fields(5000), () => ({}))).toMatchObject({ status: 413, body: expect.stringContaining('the form has 5001 fields; at most 5000 are allowed') });
  expect(await answer(fields(4999), () => ({}))).toMatchObject({ status: 200 });
});

test('takes time that grows with the size of the form, not with its square', () => {
  // Each record is read by itself, as parameters of a stack are.
  const read = (count: number): number => {
    const form = new URLSearchParams(Array.from({ length: count }, (_, index): [string, string] => [`R.member.${index + 1}.K`, 'v']));
    const before = performance.now();
    const records = new QueryInput(new FormFields(form)).records('R') ?? [];
    const found = records.flatMap((record) => ['K', 'V', 'L'].filter((name) => record.has(name)));
    const took = performance.now() - before;
    expect(found).toHaveLength(count);
    return took;
  };
  read(100);
  expect(read(4000)).toBeLessThan(2500);
});
