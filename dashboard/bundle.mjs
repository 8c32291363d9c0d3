// The bundles: main (each page, language and the charts a chunk of its own, loaded when it is
// needed), and the worker that holds the one event stream of a browser.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));

const common = (out, { define, ...options }) => ({
  absWorkingDir: here,
  outdir: join(out, 'assets'),
  bundle: true,
  format: 'esm',
  target: ['chrome109', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  minify: true,
  metafile: true,
  legalComments: 'none',
  charset: 'utf8', // modules are read as that; escapes would be twice as long
  logLevel: 'warning',
  alias: { '@': join(here, 'src') },
  define: { 'process.env.NODE_ENV': '"production"', ...define },
  ...options,
});

const made = (result, entry) => {
  const found = Object.entries(result.metafile.outputs).find(([, o]) => o.entryPoint === entry);
  return { script: `/assets/${basename(found[0])}`, style: found[1].cssBundle && `/assets/${basename(found[1].cssBundle)}` };
};

// All styles are one file, main's: a lazy chunk's own would have to be loaded by hand. Scripts import a style to say
// whose it is; `virtual:styles` is all of them, what colours mean first.
const styles = {
  name: 'styles',
  setup: (build) => {
    build.onResolve({ filter: /^virtual:styles$/ }, () => ({ path: 'all.css', namespace: 'all-styles' }));
    build.onResolve({ filter: /\.css$/ }, ({ kind, path }) =>
      (kind === 'import-rule' ? undefined : { path, namespace: 'no-style' }));
    build.onLoad({ filter: /.*/, namespace: 'no-style' }, () => ({ contents: '', loader: 'js' }));
    build.onLoad({ filter: /.*/, namespace: 'all-styles' }, async () => {
      const src = join(here, 'src');
      const files = (await readdir(src, { recursive: true })).filter((f) => f.endsWith('.css')).sort();
      const first = join('ui', 'tokens.css');
      const contents = [first, ...files.filter((f) => f !== first)].map((f) => `@import "./${f}";`).join('\n');
      return { contents, loader: 'css', resolveDir: src, watchDirs: [src] };
    });
  },
};

export function workerOptions(out, options = {}) {
  return common(out, { entryPoints: ['src/api/stream-worker.ts'], ...options });
}

export function mainOptions(out, worker, { define, plugins = [], ...options } = {}) {
  return common(out, {
    define: { STREAM_WORKER: JSON.stringify(worker), ...define },
    entryPoints: ['src/main.tsx'],
    splitting: true,
    inject: ['src/base.ts'], // imported by each part
    plugins: [styles, ...plugins],
    ...options,
  });
}

// All that a file imports at once, and what that does.
function importsOf(outputs, name, found = new Set()) {
  for (const { path, kind } of outputs[name].imports)
    if (kind === 'import-statement' && outputs[path] && !found.has(path))
      importsOf(outputs, path, found.add(path));
  return found;
}

// Where the pages' script, its imports, style and worker are; and what went where, as esbuild tells it.
export async function bundle(out, options = {}) {
  const worker = made(await esbuild.build(workerOptions(out, options)), 'src/api/stream-worker.ts');
  const main = await esbuild.build(mainOptions(out, worker.script, options));
  const { outputs } = main.metafile;
  const name = Object.keys(outputs).find((path) => outputs[path].entryPoint === 'src/main.tsx');
  const imports = [...importsOf(outputs, name)].map((path) => `/assets/${basename(path)}`);
  return { ...made(main, 'src/main.tsx'), imports, metafile: main.metafile };
}
