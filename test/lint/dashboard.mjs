// The pages' sources: which folder imports which, who touches what of the browser, sizes, no way around
// the types, no text that nothing shows. Asks TypeScript's own parser, so it needs dashboard/node_modules.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { dirname, join, normalize } from 'node:path';
import { unusedTexts } from './dashboard_texts.mjs';

const ts = createRequire(new URL('../../dashboard/package.json', import.meta.url))('typescript');
const ROOT = 'dashboard/src/';
const FILE_MAX = 300;
const FUNCTION_MAX = 120;

// Each imports only from those before it, and from itself; of pages/, a folder only from itself.
const ORDER = ['time', 'text', 'url', 'api', 'query', 'ui', 'base.ts', 'charts', 'panels', 'shell', 'pages', 'groups', 'App.tsx', 'main.tsx'];
// Who alone may import a package, or use a thing of the browser's.
const PACKAGES = [[/^(date-fns|@date-fns)(\/|$)/, 'time'], [/^recharts(\/|$)/, 'charts']];
const GLOBALS = { history: 'url', location: 'url', fetch: 'api', EventSource: 'api', SharedWorker: 'api', WebSocket: 'api',
  XMLHttpRequest: 'api' };
const WINDOWS = ['window', 'globalThis', 'self', 'document'];
const LOOSE = 'api'; // where what comes from outside gets its types

const faults = [];
const K = ts.SyntaxKind;

function listed() {
  return execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-co', '--exclude-standard', '--', `${ROOT}*.ts`,
    `${ROOT}*.tsx`], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

const folderOf = (path) => path.slice(ROOT.length).split('/')[0];
const pageOf = (path) => path.slice(ROOT.length).split('/').slice(0, 2).join('/');
const isTest = (path) => /\.test\.tsx?$/.test(path);

class File {
  constructor(path) {
    this.path = path;
    this.folder = folderOf(path);
    this.text = readFileSync(path, 'utf8');
    this.source = ts.createSourceFile(path, this.text, ts.ScriptTarget.Latest, true,
      path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS);
    this.imports = []; // {path, isType}
    this.declared = new Set();
  }

  fault(node, text) {
    const { line } = this.source.getLineAndCharacterOfPosition(node.getStart(this.source));
    faults.push(`${this.path}:${line + 1}: ${text}`);
  }

  check() {
    const lines = this.text.split('\n').length - 1;
    if (lines > FILE_MAX)
      faults.push(`${this.path}:1: ${lines} lines; ${FILE_MAX} at most`);
    if (!ORDER.includes(this.folder))
      faults.push(`${this.path}:1: ${this.folder} is in no place of the order in test/lint/dashboard.mjs`);
    this.#collect(this.source);
    this.#walk(this.source);
  }

  // Names that the file itself gives, which are then none of the browser's.
  #collect(node) {
    if ((ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node) || ts.isFunctionDeclaration(node)
      || ts.isImportSpecifier(node) || ts.isImportClause(node)) && node.name && ts.isIdentifier(node.name))
      this.declared.add(node.name.text);
    ts.forEachChild(node, (child) => this.#collect(child));
  }

  #walk(node) {
    if (ts.isImportDeclaration(node))
      this.#onImport(node, node.moduleSpecifier.text, node.importClause?.isTypeOnly ?? false);
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier)
      this.fault(node, 'passes on what another file exports: import it from there');
    else if (ts.isCallExpression(node) && node.expression.kind === K.ImportKeyword && ts.isStringLiteral(node.arguments[0]))
      this.#onImport(node, node.arguments[0].text, true);
    else if (ts.isIdentifier(node))
      this.#onIdentifier(node);
    else if (ts.isFunctionLike(node) && node.body)
      this.#onFunction(node);
    if (this.folder !== LOOSE)
      this.#onType(node);
    ts.forEachChild(node, (child) => this.#walk(child));
  }

  #onType(node) {
    if (node.kind === K.AnyKeyword)
      this.fault(node, 'any');
    else if (ts.isNonNullExpression(node))
      this.fault(node, `"${node.getText(this.source).slice(-30)}" says that it is there`);
    else if (ts.isTypeAssertionExpression(node) || (ts.isAsExpression(node) && node.type.getText(this.source) !== 'const'))
      this.fault(node, `a cast to ${node.type.getText(this.source).slice(0, 40)}`);
    for (const comment of ['@ts-ignore', '@ts-expect-error', '@ts-nocheck'])
      if (ts.isSourceFile(node) && this.text.includes(comment))
        this.fault(node, comment);
  }

  #onFunction(node) {
    const from = this.source.getLineAndCharacterOfPosition(node.getStart(this.source)).line;
    const lines = this.source.getLineAndCharacterOfPosition(node.end).line - from + 1;
    if (lines > FUNCTION_MAX && !isTest(this.path))
      this.fault(node, `function of ${lines} lines; ${FUNCTION_MAX} at most`);
  }

  #onIdentifier(node) {
    const owner = Object.hasOwn(GLOBALS, node.text) ? GLOBALS[node.text] : undefined;
    if (owner === undefined || owner === this.folder || isTest(this.path))
      return;
    const { parent } = node;
    const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
    const isGlobal = isMember ? ts.isIdentifier(parent.expression) && WINDOWS.includes(parent.expression.text)
      : !this.declared.has(node.text) && !(parent.name === node) && !ts.isTypeNode(parent) && !ts.isJsxAttribute(parent);
    if (isGlobal)
      this.fault(node, `only ${owner}/ uses ${node.text}`);
  }

  #onImport(node, name, isType) {
    if (!name.startsWith('.') && !name.startsWith('@/')) {
      const owner = PACKAGES.find(([pattern]) => pattern.test(name))?.[1];
      if (owner !== undefined && owner !== this.folder)
        this.fault(node, `only ${owner}/ imports ${name}`);
      if (name.startsWith('node:') && !isTest(this.path))
        this.fault(node, `${name} is Node's`);
      return;
    }
    const path = name.startsWith('@/') ? ROOT + name.slice(2) : normalize(join(dirname(this.path), name));
    if (!path.startsWith(ROOT)) {
      this.fault(node, `${name} is outside of ${ROOT}`);
      return;
    }
    const [mine, theirs] = [ORDER.indexOf(this.folder), ORDER.indexOf(folderOf(path))];
    if (theirs > mine)
      this.fault(node, `${this.folder} imports ${folderOf(path)}, which comes after it`);
    if (this.folder === 'pages' && folderOf(path) === 'pages' && pageOf(path) !== pageOf(this.path))
      this.fault(node, `a page imports another: ${name}`);
    this.imports.push({ path, isType });
  }
}

function checkCircles(files) {
  const byPath = new Map(files.map((f) => [f.path, f]));
  const done = new Set();
  const visit = (file, way) => {
    if (way.includes(file)) {
      faults.push(`${file.path}:1: a circle: ${[...way.slice(way.indexOf(file)), file].map((f) => f.path.slice(ROOT.length)).join(' -> ')}`);
      return;
    }
    if (done.has(file))
      return;
    for (const { path, isType } of file.imports)
      if (!isType && byPath.has(path))
        visit(byPath.get(path), [...way, file]);
    done.add(file);
  };
  files.forEach((f) => visit(f, []));
}

// The addresses that the pages know are those that the manager answers with them.
function checkAddresses() {
  const served = [...readFileSync('gateway/pages/pages.def', 'utf8').matchAll(/^PAGE\("([^"]+)"\)/gm)].map((m) => m[1]);
  const path = `${ROOT}url/pages.ts`;
  for (const [, address] of readFileSync(path, 'utf8').matchAll(/'(\/[a-z-]+\/?)'/g))
    if (!served.some((one) => one === address || (address.endsWith('/') && one === `${address}{id}`)))
      faults.push(`${path}:1: gateway/pages/pages.def has no ${address}`);
}

const files = listed().filter((path) => !path.endsWith('.gen.ts')).map((path) => new File(path));
files.forEach((f) => f.check());
checkCircles(files);
if (files.some((f) => f.path === `${ROOT}url/pages.ts`))
  checkAddresses();
faults.push(...unusedTexts(ts, ROOT, files.map((f) => f.path).filter((path) => !isTest(path))));
if (faults.length > 0) {
  console.log(faults.join('\n'));
  console.log(`dashboard: ${faults.length} faults`);
  process.exit(1);
}
console.log(`dashboard: ${files.length} files of the pages`);
