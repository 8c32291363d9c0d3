// How much JavaScript a page takes, compressed as browsers ask for it (brotli): node sizes.mjs OUT, after build.mjs OUT. Fails above
// the budgets: what is loaded before there are charts, and all that a page with charts loads.
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

const BEFORE_CHARTS = 110_000;
const WITH_CHARTS = 260_000;

const [out] = process.argv.slice(2);
const { outputs } = JSON.parse(await readFile(join(out, 'made-of.json'), 'utf8'));
const names = Object.keys(outputs).filter((name) => name.endsWith('.js'));
const sizes = new Map(await Promise.all(names.map(async (name) =>
  [name, (await stat(join(out, 'assets', `${basename(name)}.br`))).size])));

// What comes with a file at once.
function closure(name, found = new Set()) {
  if (!found.has(name)) {
    found.add(name);
    for (const { path, kind } of outputs[name].imports)
      if (kind === 'import-statement' && outputs[path])
        closure(path, found);
  }
  return found;
}

const sum = (files) => [...files].reduce((all, name) => all + sizes.get(name), 0);
const holds = (name, folder) => Object.keys(outputs[name].inputs).some((input) => input.startsWith(folder));
const entryIn = (name, folder) => outputs[name].entryPoint?.startsWith(folder);
const union = (...sets) => new Set(sets.flatMap((set) => [...set]));

// The one of these that adds most to what is there.
function heaviest(files, there) {
  return files.map((name) => union(there, closure(name))).sort((a, b) => sum(b) - sum(a))[0] ?? there;
}

const hasCharts = (name) => [...closure(name)].some((file) => holds(file, 'node_modules/recharts/'));
const main = closure(names.find((name) => outputs[name].entryPoint === 'src/main.tsx'));
const lazy = names.filter((name) => outputs[name].entryPoint && !main.has(name));
const withLanguage = heaviest(lazy.filter((name) => entryIn(name, 'src/text/')), main);
const before = heaviest(lazy.filter((name) => (entryIn(name, 'src/pages/') || entryIn(name, 'src/groups/')) && !hasCharts(name)), withLanguage);
const charts = heaviest(lazy.filter(hasCharts), before);

const kb = (bytes) => `${(bytes / 1000).toFixed(1)} KB`;
const rows = [['JavaScript before charts', sum(before), BEFORE_CHARTS], ['with charts', sum(charts), WITH_CHARTS]];
for (const [what, size, most] of rows)
  console.log(`${what}: ${kb(size)} of ${kb(most)}, compressed`);
const over = rows.filter(([, size, most]) => size > most);
if (over.length > 0) {
  for (const name of [...charts].sort((a, b) => sizes.get(b) - sizes.get(a)))
    console.log(`  ${kb(sizes.get(name)).padStart(9)}  ${basename(name)}  ${outputs[name].entryPoint ?? ''}`);
  process.exit(1);
}
