export const PYTHON_SNIPPET = `
import json, pathlib
numbers = [3, 1, 4, 1, 5, 9, 2, 6]
for number in numbers:
    print('python sees', number, flush=True)
pathlib.Path('numbers.json').write_text(json.dumps(numbers))
`;

export const NODE_SNIPPET = `
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
if (!existsSync('numbers.json')) writeFileSync('numbers.json', JSON.stringify([3, 1, 4, 1, 5, 9, 2, 6]));
const numbers = JSON.parse(readFileSync('numbers.json', 'utf8'));
console.log('node ' + process.version + ': the mean is ' + numbers.reduce((a, b) => a + b) / numbers.length);
`;

/** State in memory and nowhere else. */
export const STATE_KEEPER = `
let count = 0;
setInterval(() => console.log('count', ++count), 200);
`;
