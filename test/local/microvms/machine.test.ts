import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describeEachIsolation, describeNamespaces } from './isolations';
import { endProbes, eventually, pause, probeFolders, processesWith, startScript } from './machine-probe';
import { detectIsolation } from '../../../local/src/microvms/machine/detect-isolation';
import { MissingProgramError } from '../../../local/src/microvms/machine/machine';

/** Tells the processes of one test from all others. */
const mark = () => `9${Math.floor(Math.random() * 1e9)}.5`;

afterEach(endProbes);

describeEachIsolation((isolation) => {
  test('a hostile guest is stopped whole, goes on whole, and dies whole', async () => {
    const id = mark();
    // Stopped processes, daemons that left their parents, and 25 loops that fork all the time.
    const { machine, lines, folder } = await startScript(isolation, `
      sleep ${id} & stopped=$!; kill -STOP $stopped
      (setsid sh -c 'while :; do echo daemon; sleep 0.02; done # ${id}' &)
      loop() { while :; do sleep 0.02; done; }
      for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do loop & done
      while :; do echo "state $(cut -d ' ' -f 3 /proc/$stopped/stat)"; sleep 0.05; done # ${id}
    `);
    try {
      await eventually('the guest', () => lines.includes('daemon') && lines.includes('state T'));
      await machine.suspend();
      await pause(50);
      lines.length = 0;
      await pause(300);
      expect(lines).toEqual([]);

      await machine.resume();
      await eventually('the guest again', () => lines.includes('daemon') && lines.includes('state T'));
      expect(lines.filter((line) => line.startsWith('state')).every((line) => line === 'state T')).toBe(true);
      await machine.suspend();
    } finally {
      await machine.stop();
    }
    expect(processesWith(id)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    lines.length = 0;
    await pause(100);
    expect(lines).toEqual([]);
  });

  test('stop ends a guest that ignores signals, and may be asked twice', async () => {
    const id = mark();
    const { machine } = await startScript(isolation, `trap '' TERM INT HUP; while :; do sleep ${id}; done`);
    await eventually('the guest', () => processesWith(id).length > 0);
    await Promise.all([machine.stop(), machine.stop()]);
    expect(processesWith(id)).toEqual([]);
  });

  test('the main process\'s exit status is told', async () => {
    const { machine } = await startScript(isolation, 'exit 42');
    expect(await machine.exited).toBe(42);
    await machine.stop();
  });

  test('fails for a program that is not there, and leaves nothing', async () => {
    const starting = startScript(isolation, '', { command: ['no-such-program'] });
    await expect(starting).rejects.toThrow(MissingProgramError);
    expect(readdirSync(probeFolders()[0])).toEqual(['rootfs']);
  });

  test('a process opens 1024 files at most, and cannot allow itself more', async () => {
    const { machine, lines } = await startScript(isolation, 'ulimit -n; ulimit -Hn; (ulimit -n 2048) 2>/dev/null || echo refused');
    // Root of this machine may be above all limits, and a plain process may be root.
    const expected = ['1024', '1024', ...(isolation === 'processes' ? [] : ['refused'])];
    await eventually('the limits', () => lines.length >= expected.length);
    await machine.stop();
    expect(lines.slice(0, expected.length)).toEqual(expected);
  });

  test('a connection passes bytes both ways, also if the guest speaks first', async () => {
    const server = `const port = Number(process.env.MICROVM_LOCAL_PORT_7000 ?? 7000);
      require('node:net').createServer((socket) => { socket.write('first '); socket.pipe(socket); }).listen(port, '127.0.0.1');`;
    const { machine } = await startScript(isolation, '', { command: ['node', '-e', server], ports: [7000] });
    try {
      let socket = await machine.dial(7000).catch(() => undefined);
      for (let turn = 0; !socket && turn < 200; turn++) {
        await pause(20);
        socket = await machine.dial(7000).catch(() => undefined);
      }
      socket?.end('and back');
      expect(socket && await text(socket)).toBe('first and back');
      await expect(machine.dial(1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    } finally {
      await machine.stop();
    }
  });
});

describeNamespaces(() => {
  test('are what this machine is found to have', async () => {
    expect(await detectIsolation()).toEqual({ isolation: 'namespaces' });
  });

  test('the end of a guest that is over touches nobody who got its namespace\'s number', async () => {
    const id = mark();
    const { machine } = await startScript('namespaces', 'exit 0');
    await machine.exited;
    // The kernel gives the lowest free number.
    const others = Array.from({ length: 8 }, () => spawn('unshare', [
      '--user', '--map-root-user', '--pid', '--fork', '--kill-child', 'sh', '-c', `sleep ${id}; exit 0`,
    ], { stdio: 'ignore' }));
    try {
      await eventually('the others', () => processesWith(id).length === 3 * others.length);
      const before = processesWith(id);
      await machine.stop();
      expect(processesWith(id)).toEqual(before);
    } finally {
      for (const other of others) other.kill('SIGKILL');
      await Promise.all(others.map((other) => other.exitCode ?? other.signalCode ?? once(other, 'exit')));
    }
  });

  test('a guest sees neither home folders nor the project nor other machines', async () => {
    const secret = join(homedir(), `.mv-${mark()}`);
    writeFileSync(secret, 'secret');
    try {
      const neighbour = await startScript('namespaces', 'echo mine > /workspace/file; sleep 60');
      const { machine, lines } = await startScript('namespaces', `
        cat ${secret} && echo LEAK
        ls ${process.cwd()} && echo LEAK
        ls ${neighbour.folder} && echo LEAK
        ls /workspace | grep . && echo LEAK
        umount /usr && echo LEAK
        mount -t tmpfs none /mnt && echo LEAK
        cat /proc/1/environ && echo LEAK
        cat /proc/1/fd/0 && echo LEAK
        echo "descriptors $(ls /proc/self/fd | tr '\\n' ' ')"
        ls /tmp /home /mnt | grep -v : | grep . && echo LEAK
        echo "processes $(ls /proc | grep -c '^[0-9]')"
        echo own > /etc/mv-own && cat /etc/mv-own
        (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null
        echo done`);
      await eventually('the end', () => lines.includes('done'));
      expect(lines).not.toContain('LEAK');
      // The last one is of ls itself.
      expect(lines).toContain('descriptors 0 1 2 3 ');
      expect(lines).toContain('own');
      expect(existsSync('/etc/mv-own')).toBe(false);
      const [, count] = (lines.find((line) => line.startsWith('processes')) ?? '').split(' ');
      expect(Number(count)).toBeLessThan(8);
      await Promise.all([machine.stop(), neighbour.machine.stop()]);
    } finally {
      rmSync(secret);
    }
  });

  test('a folder of the system that is to be hidden is not there, and all around it is', async () => {
    const { machine, lines } = await startScript('namespaces', `
      ls /usr/share/doc && echo LEAK
      ls /usr/bin/env /etc/passwd
      echo own > /usr/local/mv-own && cat /usr/local/mv-own`, {}, ['/usr/share/doc']);
    await eventually('the end', () => lines.includes('own'));
    expect(lines).not.toContain('LEAK');
    expect(lines).toEqual(expect.arrayContaining(['/etc/passwd', '/usr/bin/env']));
    expect(existsSync('/usr/local/mv-own')).toBe(false);
    await machine.stop();
  });

  test('a daemon that hides its environment and makes namespaces of its own is stopped, too', async () => {
    const id = mark();
    const { machine, lines } = await startScript('namespaces', `
      (env -i setsid unshare --user --map-root-user --pid --fork sh -c 'while :; do echo hidden; sleep 0.02; done # ${id}' &)
      sleep ${id}`);
    try {
      await eventually('the daemon', () => lines.includes('hidden'));
      await machine.suspend();
      await pause(50);
      lines.length = 0;
      await pause(200);
      expect(lines).toEqual([]);
    } finally {
      await machine.stop();
    }
    expect(processesWith(id)).toEqual([]);
  });

  test('a guest fills no more than its own disk, and its shared memory no more than 64 MiB', async () => {
    const { machine, lines } = await startScript('namespaces', `
      df -k / /dev/shm | awk 'NR > 1 { print "size", $2 }'
      dd if=/dev/zero of=/dev/shm/full bs=1M count=65 2>&1 | grep -o 'No space left'`);
    await eventually('the sizes', () => lines.length === 3);
    expect(Number(lines[0].split(' ')[1])).toBeLessThanOrEqual(8 * 1024 ** 2);
    expect(lines.slice(1)).toEqual(['size 65536', 'No space left']);
    await machine.stop();
  });

  test('orphans are reaped', async () => {
    const { machine, lines } = await startScript('namespaces', `
      for n in 1 2 3 4 5; do (sleep 0.01 &); done; sleep 0.5; echo "zombies $(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l)"; sleep 60`);
    await eventually('the count', () => lines.some((line) => line.startsWith('zombies')));
    expect(lines).toContain('zombies 0');
    await machine.stop();
  });
});
