import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const rows = readFileSync(join(ROOT, 'docs', 'features.md'), 'utf8').split('\n')
  .filter((line) => /^\| (?!feature|---)/.test(line))
  .map((line) => line.split(' | '));
const testsOf = (cells: string[]) => [...cells[cells.length - 1].matchAll(/`([^`]+)`/g)].map(([, path]) => path);

test('every feature of the page names tests that are there', () => {
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter((cells) => testsOf(cells).length === 0)).toEqual([]);
  expect(rows.flatMap(testsOf).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('pages link to pages that are there', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];
  const targets = pages.flatMap((page) => (
    [...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) => join(page, '..', target))
  ));
  expect(targets.length).toBeGreaterThan(20);
  expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
});
