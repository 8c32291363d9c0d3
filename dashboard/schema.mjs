// src/api/schema.gen.ts: the types of the manager's API, from docs/openapi.yaml.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const document = new URL('../docs/openapi.yaml', import.meta.url);
const target = fileURLToPath(new URL('src/api/schema.gen.ts', import.meta.url));

export async function writeSchema() {
  const types = astToString(await openapiTS(document, { alphabetize: false }));
  const text = `// Made from docs/openapi.yaml by schema.mjs.\n${types}`;
  if (await readFile(target, 'utf8').catch(() => '') !== text)
    await writeFile(target, text);
}
