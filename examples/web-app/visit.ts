import { SandboxClient } from 'microvm-sandbox';

const PORT = 8080;

interface Visit {
  readonly greeting: string;
  readonly pid: number;
  readonly inMemory: number;
  readonly inFile: number;
}

/** Visits a web server in a sandbox of its own, before and after a pause. Answers what each visit saw. */
export async function visit(client: SandboxClient, print: (line: string) => void): Promise<Visit[]> {
  await using sandbox = await client.create();
  print(`sandbox ${sandbox.sandboxId} (${sandbox.launch.kind})`);

  const seen: Visit[] = [];
  const look = async () => {
    // The client holds the platform's token for the port, and waits while the server is not there yet.
    const response = await sandbox.fetch(PORT, '/');
    const answer = await response.json() as Visit;
    print(`visit: ${JSON.stringify(answer)}`);
    seen.push(answer);
  };

  await look();
  await look();
  await sandbox.pause();
  print('paused: memory, files and the process are frozen');
  await sandbox.resume();
  print('resumed');
  await look();
  return seen;
}

async function main(): Promise<void> {
  await using client = new SandboxClient();
  await visit(client, console.log);
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
