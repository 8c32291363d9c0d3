// The pages while they are worked on: built in memory, loaded anew in each tab when a source changes,
// types checked beside it; the API is a manager's that runs. On this machine alone.
// Usage: node dev.mjs [--port 5173] [--manager http://127.0.0.1:8000]
import { spawn } from 'node:child_process';
import { watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import esbuild from 'esbuild';
import { mainOptions, workerOptions } from './bundle.mjs';
import { writeSchema } from './schema.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const PASSED_ON = /^\/(api|health|ready)(\/|$)/;
const TYPES = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', map: 'application/json' };
// As the manager sends it (gateway/pages/pages.c), so that a breach shows here first.
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const RELOAD = `new EventSource('/assets/changes').onmessage = () => location.reload();`;

function options() {
  try {
    const { values } = parseArgs({ options: {
      port: { type: 'string', default: process.env.TOLLGATE_DASHBOARD_PORT ?? '5173' },
      manager: { type: 'string', default: process.env.TOLLGATE_MANAGER ?? 'http://127.0.0.1:8000' },
    } });
    const port = Number(values.port);
    const manager = new URL(values.manager);
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new Error(`--port ${values.port} is no port`);
    if (manager.protocol !== 'http:')
      throw new Error(`--manager ${values.manager} is no http:// address`);
    return { port, manager };
  } catch (e) {
    console.error(`${e.message}\nusage: node dev.mjs [--port 5173] [--manager http://127.0.0.1:8000]`);
    process.exit(2);
  }
}

const { port, manager } = options();
const files = new Map(); // by path, the bytes of what is built
const tabs = new Set(); // that want to hear of changes
const children = [];
let isBuilt;
const built = new Promise((resolve) => { isBuilt = resolve; });

// --- building ---

function tellTabs() {
  for (const tab of tabs)
    tab.write('data: changed\n\n');
}

// Puts what each build has made into `files`, in place of what the one before had made; one that failed, and has
// said why, leaves that.
function keepWith(onFirst) {
  let old = null;
  return { name: 'keep', setup: (build) => build.onEnd((result) => {
    if (result.errors.length === 0) {
      for (const path of old ?? [])
        files.delete(path);
      const isFirst = old === null;
      old = result.outputFiles.map((file) => `/assets/${basename(file.path)}`);
      old.forEach((path, i) => files.set(path, result.outputFiles[i].contents));
      if (!isFirst) {
        console.log(`${new Date().toLocaleTimeString()} built anew`);
        tellTabs();
      }
    }
    onFirst();
  }) };
}

// Resolves when it was built once.
function watchBuild(optionsWith) {
  return new Promise((resolve, reject) => {
    const options = optionsWith({ write: false, entryNames: '[name]', minify: false, sourcemap: 'linked',
      plugins: [keepWith(resolve)], define: { 'process.env.NODE_ENV': '"development"' } });
    esbuild.context(options).then((context) => context.watch()).catch(reject);
  });
}

function watchSources() {
  return Promise.all([watchBuild((more) => workerOptions(here, more)),
    watchBuild((more) => mainOptions(here, '/assets/stream-worker.js', more))]);
}

function watchTypes() {
  const tsc = spawn(process.execPath, [join(here, 'node_modules/typescript/bin/tsc'), '--watch', '--preserveWatchOutput',
    '--pretty', 'false'], { cwd: here, stdio: ['ignore', 'pipe', 'inherit'] });
  tsc.stdout.setEncoding('utf8').on('data', (text) => {
    for (const line of text.split('\n').filter((l) => l.includes('error TS')))
      console.log(line);
  });
  children.push(tsc);
}

// --- answering ---

async function answerIndex(response) {
  const page = (await readFile(join(here, 'index.html'), 'utf8'))
    .replace('{icon}', '/assets/icon.svg').replace('{style}', '/assets/main.css').replace('{script}', '/assets/main.js')
    .replace('{preload}', '')
    .replace('</head>', '<script type="module" src="/assets/reload.js"></script>\n</head>');
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store',
    'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'same-origin' });
  response.end(page);
}

function answerChanges(response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.write(': you hear of changes\n\n');
  tabs.add(response);
  response.on('close', () => tabs.delete(response));
}

async function answerAsset(path, response) {
  await built;
  const bytes = path === '/assets/reload.js' ? RELOAD : path === '/assets/icon.svg' ?
    await readFile(join(here, 'icon.svg')) : files.get(path);
  if (bytes === undefined) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('there is no such file; does the build fail?\n');
    return;
  }
  const type = TYPES[path.split('.').pop()] ?? 'application/octet-stream';
  response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store',
    'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff' });
  response.end(bytes);
}

const away = (why) => `No manager answers at ${manager.origin} (${why}): run \`make dev\` beside this, or name another: ` +
  '`make dashboard-dev ARGS="--manager http://127.0.0.1:PORT"`';

function answerAway(response, why) {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const title = away(why);
  response.writeHead(502, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ type: 'about:blank', title, status: 502, code: 'manager_away', detail: title }));
}

// With the head as it came, Host as well: the manager compares it with Origin. Nothing waits for more.
function passOn(request, response) {
  const onward = http.request(manager, { method: request.method, path: request.url, headers: request.rawHeaders,
    setHost: false, agent: false }, (answer) => {
    response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
    response.flushHeaders();
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  onward.on('error', (e) => answerAway(response, e.code ?? e.message));
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

function answer(request, response) {
  const path = request.url.split('?')[0];
  if (PASSED_ON.test(path))
    passOn(request, response);
  else if (request.method !== 'GET' && request.method !== 'HEAD')
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
  else if (path === '/assets/changes')
    answerChanges(response);
  else if (path.startsWith('/assets/'))
    void answerAsset(path, response);
  else if (path === '/')
    response.writeHead(302, { Location: '/dashboard' }).end();
  else
    void answerIndex(response);
}

// --- running ---

function listen(host) {
  const server = http.createServer(answer);
  return new Promise((resolve) => {
    server.on('error', (e) => {
      if (e.code === 'EADDRINUSE') {
        console.error(`port ${port} is taken; take another: make dashboard-dev ARGS="--port ${port + 1}"`);
        process.exit(1);
      }
      resolve(); // there may be no IPv6
    });
    server.listen(port, host, resolve);
  });
}

process.on('SIGINT', () => process.exit(0)).on('SIGTERM', () => process.exit(0));
process.on('exit', () => children.forEach((child) => child.kill()));
await Promise.all([listen('127.0.0.1'), listen('::1')]);
await writeSchema();
watchFile(join(here, '../docs/openapi.yaml'), { interval: 500, persistent: false }, () => void writeSchema());
await watchSources();
watchTypes();
isBuilt();
console.log(`The pages: http://localhost:${port}/ (the API is ${manager.origin}'s; Ctrl-C ends)`);
http.get(new URL('/health', manager), (a) => a.resume()).on('error', (e) => console.log(away(e.code ?? e.message)));
