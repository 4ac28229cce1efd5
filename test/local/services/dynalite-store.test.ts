import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { DynaliteStore } from '../../../local/src/services/dynamodb/dynalite-store';

const FINISHED = 'http.client.response.finish';
const store = new DynaliteStore();
afterAll(() => store.stop());

/** How long the server says that it keeps an idle connection, answer by answer. */
async function announcedBy(work: () => Promise<unknown>): Promise<unknown[]> {
  const announced: unknown[] = [];
  const hear = (message: unknown): void => {
    announced.push((message as { readonly response: IncomingMessage }).response.headers['keep-alive']);
  };
  subscribe(FINISHED, hear);
  try {
    await work();
  } finally {
    unsubscribe(FINISHED, hear);
  }
  return announced;
}

// A call that is sent while the server closes the connection is lost, and nobody may repeat it: it could have been done.
test('no connection is closed for being idle', async () => {
  expect(await announcedBy(() => store.call('ListTables', {}))).toEqual([undefined]);
});

test('fails calls after its end', async () => {
  const stopped = new DynaliteStore();
  await stopped.call('ListTables', {});
  await stopped.stop();
  await expect(stopped.call('ListTables', {})).rejects.toMatchObject({ code: 'ServiceUnavailable' });
});
