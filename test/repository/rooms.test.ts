import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const MICROVMS = join(__dirname, '..', '..', 'local', 'src', 'microvms');

/** The other rooms of `local/src/microvms` that this one imports from; `.` for the files beside the rooms. */
function neighboursOf(room: string): string[] {
  const paths = readdirSync(join(MICROVMS, room)).flatMap((name) => {
    const text = readFileSync(join(MICROVMS, room, name), 'utf8');
    return [...text.matchAll(/from '(\.[^']*)'/g)].map(([, path]) => join(room, path));
  });
  const rooms = paths.filter((path) => !path.startsWith('..')).map((path) => dirname(path));
  return [...new Set(rooms)].filter((other) => other !== room).sort();
}

test.each([
  { room: 'wire', neighbours: [] },
  { room: 'machine', neighbours: [] },
  { room: 'container', neighbours: ['machine'] },
])('of the other rooms of the MicroVMs $room imports $neighbours', ({ room, neighbours }) => {
  expect(neighboursOf(room)).toEqual(neighbours);
});
