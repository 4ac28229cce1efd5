import { CloudApi } from './cloud-api';
import type { RunningCloud } from './running-cloud';

/** Lists the microVMs, those that ended lately, too. */
export async function ps(cloud: RunningCloud, json: boolean, print: (line: string) => void): Promise<void> {
  const microvms = await new CloudApi(cloud).listMicrovms();
  if (json) return microvms.forEach((microvm) => print(JSON.stringify(microvm)));
  const rows = microvms.map(({ microvmId, state, imageArn, imageVersion, startedAt }) => (
    [microvmId, state, `${imageArn.split(':').at(-1)} ${imageVersion}`, new Date(startedAt * 1000).toISOString()]
  ));
  const table = [['MICROVM', 'STATE', 'IMAGE', 'STARTED'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) print(row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd());
}
