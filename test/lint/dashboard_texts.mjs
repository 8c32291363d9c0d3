// Texts of the pages that no source names: bytes that every reader loads and nobody sees. By TypeScript's types, as the same
// name stands for other texts elsewhere.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

// Types of the sources and of React alone, whose hooks hand texts on. Charts have none, and theirs are large.
function programOf(ts, root, paths) {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.ReactJSX, lib: ['lib.es2023.d.ts'], types: [], strict: true, noEmit: true, allowImportingTsExtensions: true };
  const host = ts.createCompilerHost(options);
  const sourceOf = (name, from) => {
    const path = name.startsWith('@/') ? root + name.slice(2) : join(dirname(from), name);
    return existsSync(path) ? { resolvedModule: { resolvedFileName: resolve(path), extension: path.endsWith('x') ? '.tsx' : '.ts' } } : undefined;
  };
  const found = (name, from) => (/^[.@]\/|^\.\.\//.test(name) ? sourceOf(name, from)
    : /^react(\/|$)/.test(name) ? ts.resolveModuleName(name, from, options, host) : undefined);
  host.resolveModuleNameLiterals = (names, from) => names.map(({ text }) => found(text, from) ?? { resolvedModule: undefined });
  return ts.createProgram(paths.map((p) => resolve(p)), options, host);
}

// By its node in the sources: {path, line, name} of each text.
function textsIn(ts, program, paths) {
  const texts = new Map();
  for (const path of paths) {
    const source = program.getSourceFile(resolve(path));
    const walk = (node, way) => {
      if (!ts.isPropertyAssignment(node)) {
        ts.forEachChild(node, (child) => walk(child, way));
        return;
      }
      const name = [...way, node.name.getText(source)];
      if (ts.isObjectLiteralExpression(node.initializer))
        ts.forEachChild(node.initializer, (child) => walk(child, name));
      else
        texts.set(node, { path, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1, name: name.join('.') });
    };
    walk(source, []);
  }
  return texts;
}

class Uses {
  constructor(ts, program, texts) {
    this.ts = ts;
    this.checker = program.getTypeChecker();
    this.texts = texts;
  }

  #use(symbol) {
    for (const node of symbol?.declarations ?? [])
      this.texts.delete(node);
  }

  #useAll(type) {
    for (const symbol of type.getProperties())
      this.#use(symbol);
  }

  // Texts of a name that is one of several, or any.
  #byIndex(of, index) {
    const names = index.isUnion() ? index.types : [index];
    if (!names.every((t) => t.isStringLiteral()))
      this.#useAll(of);
    else
      for (const t of names)
        this.#use(this.checker.getPropertyOfType(of, t.value));
  }

  #byPattern(node) {
    const type = this.checker.getTypeAtLocation(node);
    for (const e of node.elements) {
      const { text } = e.propertyName ?? e.name;
      if (e.dotDotDotToken || text === undefined) // all that is left, or a name that is computed
        this.#useAll(type);
      else
        this.#use(this.checker.getPropertyOfType(type, text));
    }
  }

  // Passed on as a table of any names.
  #asTable(node) {
    const wanted = this.checker.getContextualType(node);
    if ((wanted?.isUnion() ? wanted.types : [wanted]).some((type) => type?.getStringIndexType()))
      this.#useAll(this.checker.getTypeAtLocation(node));
  }

  of(node) {
    const { ts, checker } = this;
    if (ts.isPropertyAccessExpression(node))
      this.#use(checker.getSymbolAtLocation(node.name));
    else if (ts.isElementAccessExpression(node))
      this.#byIndex(checker.getTypeAtLocation(node.expression), checker.getTypeAtLocation(node.argumentExpression));
    else if (ts.isObjectBindingPattern(node))
      this.#byPattern(node);
    if ((ts.isPropertyAccessExpression(node) || ts.isIdentifier(node)) && !ts.isPropertyAccessExpression(node.parent)
      && ts.isExpression(node))
      this.#asTable(node);
    ts.forEachChild(node, (child) => this.of(child));
  }
}

// "PATH:LINE: no source uses NAME" of each. `paths`: all sources, tests not among them.
export function unusedTexts(ts, root, paths) {
  const folder = `${root}text/`;
  const english = paths.filter((p) => p.startsWith(`${folder}en/`) && readFileSync(p, 'utf8').includes('export const'));
  if (english.length === 0)
    return [];
  const program = programOf(ts, root, paths);
  const texts = textsIn(ts, program, english);
  const uses = new Uses(ts, program, texts);
  for (const path of paths.filter((p) => !p.startsWith(folder)))
    uses.of(program.getSourceFile(resolve(path)));
  return [...texts.values()].map(({ path, line, name }) => `${path}:${line}: no source uses ${name}`);
}
