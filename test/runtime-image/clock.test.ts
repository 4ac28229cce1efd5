import { systemClock } from '../../runtime-image/daemon/clock';
import { settingsFrom } from '../../runtime-image/daemon/settings';

describe('the system clock', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test('waits as long as asked', () => {
    const fired = jest.fn();
    systemClock.after(3500, fired);
    jest.advanceTimersByTime(3499);
    expect(fired).not.toHaveBeenCalled();
    jest.advanceTimersByTime(2);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  test('does not wait once it is cancelled', () => {
    const fired = jest.fn();
    const cancel = systemClock.after(3000, fired);
    jest.advanceTimersByTime(1500);
    cancel();
    jest.advanceTimersByTime(10_000);
    expect(fired).not.toHaveBeenCalled();
  });

  test('does not count the time in which the microVM was suspended', () => {
    const fired = jest.fn();
    const real = performance.now.bind(performance);
    let suspendedMs = 0;
    const now = jest.spyOn(performance, 'now').mockImplementation(() => real() + suspendedMs);
    systemClock.after(60_000, fired);
    jest.advanceTimersByTime(10_000);
    suspendedMs = 3_600_000;
    jest.advanceTimersByTime(45_000);
    expect(fired).not.toHaveBeenCalled();
    jest.advanceTimersByTime(10_000);
    expect(fired).toHaveBeenCalledTimes(1);
    now.mockRestore();
  });
});

describe('settings', () => {
  test('are the image\'s ports on every address by default', () => {
    expect(settingsFrom({})).toEqual({ hooks: { host: '0.0.0.0', port: 9000 }, api: { host: '0.0.0.0', port: 8080 } });
  });

  test('are ports on loopback and another root where the local cloud asks', () => {
    expect(settingsFrom({ MICROVM_LOCAL_PORT_8080: '41234', MICROVM_LOCAL_PORT_9000: '41235', MICROVM_LOCAL_ROOT: '/x' })).toEqual({
      hooks: { host: '127.0.0.1', port: 41235 }, api: { host: '127.0.0.1', port: 41234 }, localRoot: '/x',
    });
  });

  test.each(['', 'x', '70000', '-1'])('fail for the port %j', (port) => {
    expect(() => settingsFrom({ MICROVM_LOCAL_PORT_8080: port })).toThrow('MICROVM_LOCAL_PORT_8080');
  });
});
