import { LocalClock } from '../../local/src/clock';

const clock = new LocalClock();
afterEach(() => clock.stop());

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

test('timers run in their order, and each has ended before the clock has moved on', async () => {
  const told: string[] = [];
  clock.after(2000, async () => {
    await moment();
    told.push('two');
  });
  clock.after(1000, () => void told.push('one'));
  clock.after(60_000, () => void told.push('three'));
  await clock.advance({ seconds: 3 });
  expect(told).toEqual(['one', 'two']);
});

test('what comes due while another timer runs has ended, too', async () => {
  const told: string[] = [];
  clock.after(1000, () => clock.sleep(20));
  clock.after(1005, async () => {
    await moment();
    await moment();
    told.push('meanwhile');
  });
  await clock.advance({ seconds: 2 });
  expect(told).toEqual(['meanwhile']);
});

test('a timer may advance the clock itself', async () => {
  const told: string[] = [];
  clock.after(1000, () => clock.sleep(20));
  clock.after(1005, async () => {
    await clock.advance({ seconds: 10 });
    told.push('advanced');
  });
  clock.after(9000, () => void told.push('later'));
  await clock.advance({ seconds: 2 });
  expect(told).toEqual(['later', 'advanced']);
});

test('fails for a time that is none', async () => {
  await expect(clock.advance({ seconds: -1 })).rejects.toThrow('advance: {"seconds":-1} is not a time to move forward by');
});
