// The unit tests beside the sources (*.test.ts), bundled and run in one process: node test.mjs [NAME...],
// where each NAME is a part of a file's path. Once in UTC, once where clocks change.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = join(here, '../build/dashboard-test');

async function tests(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(entries.map((e) => {
    const path = join(folder, e.name);
    return e.isDirectory() ? tests(path) : [path].filter((p) => /\.test\.tsx?$/.test(p));
  }));
  return found.flat().sort();
}

const wanted = process.argv.slice(2);
const files = (await tests(join(here, 'src'))).map((path) => relative(here, path))
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)));
if (files.length === 0) {
  console.error(`no test in dashboard/src is named ${wanted.join(', ') || '*.test.ts'}`);
  process.exit(wanted.length ? 2 : 0);
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await esbuild.build({
  absWorkingDir: here,
  stdin: { contents: files.map((path) => `import './${path}';`).join('\n'), resolveDir: here, loader: 'ts' },
  outfile: join(out, 'all.mjs'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node18',
  jsx: 'automatic',
  sourcemap: true,
  logLevel: 'warning',
  alias: { '@': join(here, 'src') },
  loader: { '.css': 'empty' },
  define: { STREAM_WORKER: '"/assets/stream-worker.js"' },
  // Packages of CommonJS ask for require.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});

for (const TZ of ['UTC', 'America/New_York']) {
  console.log(`\n${files.length} files, TZ=${TZ}`);
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', '--test-reporter=spec', join(out, 'all.mjs')],
    { stdio: 'inherit', env: { ...process.env, TZ } });
  if (status !== 0)
    process.exit(1);
}
