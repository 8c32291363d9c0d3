// Builds the pages: types of the API, a check of all types (a text that is missing in one
// language is an error there), bundles with hashed names, each compressed.
// Usage: node build.mjs OUT [--fast]: OUT/index.html, OUT/assets/..., and beside each NAME.gz and NAME.br;
// OUT/made-of.json tells what is in which (sizes.mjs). --fast: types are not checked.
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { bundle } from './bundle.mjs';
import { writeSchema } from './schema.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

async function checkTypes() {
  try {
    await promisify(execFile)(process.execPath, [join(here, 'node_modules/typescript/bin/tsc'), '--pretty', 'false'],
      { cwd: here });
  } catch (e) {
    process.stderr.write(e.stdout || String(e));
    process.exit(1);
  }
}

async function compress(file) {
  const bytes = await readFile(file);
  const packed = await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION });
  await writeFile(`${file}.gz`, packed);
  await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes));
}

async function writeIcon(out) {
  const icon = await readFile(join(here, 'icon.svg'));
  const name = `icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8)}.svg`;
  await writeFile(join(out, 'assets', name), icon);
  return `/assets/${name}`;
}

// What the script imports at once is asked for with it, not when it has been read.
async function fillIndex(icon, { style, script, imports }) {
  const preload = imports.map((path) => `<link rel="modulepreload" href="${path}">\n`).join('');
  return (await readFile(join(here, 'index.html'), 'utf8'))
    .replace('{icon}', icon).replace('{style}', style).replace('{script}', script).replace('{preload}', preload);
}

async function main(out, fast) {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'assets'), { recursive: true });
  await writeSchema();
  const [made] = await Promise.all([bundle(out), fast ? undefined : checkTypes()]);
  const icon = await writeIcon(out);
  await writeFile(join(out, 'index.html'), await fillIndex(icon, made));
  await writeFile(join(out, 'made-of.json'), JSON.stringify(made.metafile));
  const assets = (await readdir(join(out, 'assets'))).map((name) => join(out, 'assets', name));
  await Promise.all([join(out, 'index.html'), ...assets].map(compress));
}

const [out, ...flags] = process.argv.slice(2);
if (!out) {
  process.stderr.write('usage: node build.mjs OUT [--fast]\n');
  process.exit(2);
}
await main(out, flags.includes('--fast'));
