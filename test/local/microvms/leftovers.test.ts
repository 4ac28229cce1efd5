import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describeEachIsolation } from './isolations';
import { eventually, processesWith } from './machine-probe';

const repository = resolve(__dirname, '../../..');

describeEachIsolation((isolation) => {
  test.each(['running', 'suspended'])('a %s machine and its folder go when the local cloud is killed', async (state) => {
    const mark = `8${Math.floor(Math.random() * 1e9)}.5`;
    const folder = mkdtempSync(join(tmpdir(), 'mv-tsx-'));
    const config = join(folder, 'tsconfig.json');
    writeFileSync(config, JSON.stringify({
      compilerOptions: { paths: { 'microvm-sandbox/protocol': [join(repository, 'client/src/protocol/index.ts')] } },
    }));
    const program = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'lone-machine.ts'), isolation, mark, state], {
      cwd: repository,
      env: { ...process.env, TSX_TSCONFIG_PATH: config },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let machine = '';
    try {
      program.stdout.on('data', (chunk) => {
        machine += String(chunk);
      });
      await eventually('the machine', () => machine.endsWith('machine\n'));
      const guests = () => processesWith(`sleep\0${mark}`);
      expect(guests().length).toBeGreaterThan(1);
      expect(existsSync(machine.trim())).toBe(true);
      program.kill('SIGKILL');
      await eventually('the end', () => guests().length === 0 && !existsSync(machine.trim()));
    } finally {
      program.kill('SIGKILL');
      rmSync(folder, { recursive: true });
      if (machine.endsWith('machine\n')) rmSync(dirname(machine.trim()), { recursive: true });
    }
  });
});
