import { startDaemon } from './daemon';
import { describeFault, logToStdout } from './log';
import { settingsFrom } from './settings';

// The daemon is the sandbox's only way in: a fault that slipped through must not end it.
process.on('uncaughtException', (error) => logToStdout('fault', describeFault(error)));
process.on('unhandledRejection', (error) => logToStdout('fault', describeFault(error)));
// Whoever reads the log may go away.
process.stdout.on('error', () => undefined);

async function main(): Promise<void> {
  const daemon = await startDaemon({ settings: settingsFrom(process.env) });
  const stop = () => {
    daemon.close().then(() => process.exit(0), () => process.exit(1));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

main().catch((error: unknown) => {
  logToStdout('cannot-start', describeFault(error));
  process.exitCode = 1;
});
