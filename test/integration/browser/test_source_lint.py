"""What test/lint/dashboard.mjs finds in the pages' sources, and what it lets pass."""
import os
import subprocess

from tg.gateway import ROOT

FINE = {
    "time/day.ts": "import { addDays } from 'date-fns';\nexport const next = (d: Date): Date => addDays(d, 1);\n",
    "text/words.ts": "export const words = { history: 'a word', fetch: 'another' } as const;\n",
    "text/en/area.ts": "export const area = {\n  title: 'A title', of: (n: string): string => `of ${n}`,\n"
                       "  kinds: { one: 'One', two: 'Two' }, table: { a: 'A', b: 'B' },\n};\nexport type Area = typeof area;\n",
    "url/place.ts": "export const path = (): string => location.pathname;\nexport const back = (): void => history.back();\n",
    "api/call.ts": "export const call = async (p: string): Promise<number> => (await (await fetch(p)).json() as { n: number }).n!;\n",
    "charts/Chart.tsx": "import { Line } from 'recharts';\nexport const Chart = () => <Line />;\n",
    "ui/Thing.tsx": "import { words } from '@/text/words.ts';\nexport function Thing({ location }: { location: string }) {\n"
                    "  const history = [location, words.history];\n  return <p title={history[0]}>{history.length}</p>;\n}\n",
    "ui/told.ts": "import type { Area } from '@/text/en/area.ts';\n"
                  "const first = (table: Record<string, string>): string => Object.values(table)[0] ?? '';\n"
                  "export function told(area: Area, kind: keyof Area['kinds']): string {\n  const { title, of } = area;\n"
                  "  return [title, of('it'), area.kinds[kind], first(area.table)].join();\n}\n",
    "ui/thing.test.ts": "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\n"
                        "test('it is', () => assert.ok(fetch));\n",
    "pages/one/One.tsx": "import { Thing } from '@/ui/Thing.tsx';\nexport const One = () => <Thing location=\"x\" />;\n",
    "App.tsx": "import { lazy } from 'react';\nexport const One = lazy(async () => (await import('@/pages/one/One.tsx')));\n",
    "main.tsx": "import { One } from './App.tsx';\nexport const main = One;\n",
}

FAULTS = {
    "order": ("text/bad.ts", "import { Thing } from '@/ui/Thing.tsx';\nexport const t = Thing;\n", "text imports ui, which comes after it"),
    "order, lazily": ("ui/bad.ts", "export const t = () => import('@/charts/Chart.tsx');\n", "ui imports charts"),
    "another page": ("pages/two/Two.tsx", "import { One } from '../one/One.tsx';\nexport const Two = One;\n", "a page imports another"),
    "a folder of no order": ("misc/bad.ts", "export const a = 1;\n", "misc is in no place of the order"),
    "date-fns": ("ui/bad.ts", "import { addDays } from 'date-fns';\nexport const a = addDays;\n", "only time/ imports date-fns"),
    "its zones": ("ui/bad.ts", "import { tz } from '@date-fns/tz';\nexport const a = tz;\n", "only time/ imports @date-fns/tz"),
    "recharts": ("panels/bad.ts", "import { Line } from 'recharts';\nexport const a = Line;\n", "only charts/ imports recharts"),
    "location": ("ui/bad.ts", "export const a = location.href;\n", "only url/ uses location"),
    "window.history": ("ui/bad.ts", "export const a = window.history.length;\n", "only url/ uses history"),
    "fetch": ("query/bad.ts", "export const a = fetch('/api/me');\n", "only api/ uses fetch"),
    "EventSource": ("query/bad.ts", "export const a = new EventSource('/');\n", "only api/ uses EventSource"),
    "SharedWorker": ("query/bad.ts", "export const a = new SharedWorker('/');\n", "only api/ uses SharedWorker"),
    "any": ("ui/bad.ts", "export const a: any = 1;\n", "any"),
    "non-null": ("ui/bad.ts", "export const a = (b: string | null): string => b!;\n", '"b!" says that it is there'),
    "a cast": ("ui/bad.ts", "export const a = (b: unknown): string => b as string;\n", "a cast to string"),
    "ts-ignore": ("ui/bad.ts", "// @ts-ignore\nexport const a: string = 1;\n", "@ts-ignore"),
    "a barrel": ("ui/bad.ts", "export { Thing } from './Thing.tsx';\n", "passes on what another file exports"),
    "node": ("ui/bad.ts", "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;\n", "node:fs is Node's"),
    "outside": ("ui/bad.ts", "import a from '../../build.mjs';\nexport const b = a;\n", "is outside of dashboard/src/"),
    "a long file": ("ui/bad.ts", "export const a = 1;\n" + "//\n" * 300, "301 lines; 300 at most"),
    "a long function": ("ui/bad.ts", "export function a(): void {\n" + "  a();\n" * 119 + "}\n", "function of 121 lines; 120 at most"),
    "a text": ("text/en/bad.ts", "export const other = {\n  title: 'Another title than the one that is shown',\n};\n", "no source uses title"),
    "an address": ("url/pages.ts", "export const a = ['/dashboard', '/token-usage/', '/none'];\n", "pages.def has no /none"),
}


def lint(folder, files):
    for name, text in files.items():
        path = folder / "dashboard" / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    pages = folder / "gateway" / "pages"
    pages.mkdir(parents=True)
    with open(os.path.join(ROOT, "gateway", "pages", "pages.def"), encoding="utf-8") as f:
        (pages / "pages.def").write_text(f.read(), encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return subprocess.run(["node", os.path.join(ROOT, "test", "lint", "dashboard.mjs")], cwd=folder, capture_output=True,
                          text=True, timeout=60, check=False)


def test_what_is_fine(tmp_path):
    done = lint(tmp_path, FINE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_faults(tmp_path):
    """All in one run; each file tells its own, once."""
    files, expected = {}, []
    for n, (name, text, said) in enumerate(FAULTS.values()):
        name = name.replace("bad.", f"bad{n}.")
        files[name] = text
        expected.append((f"dashboard/src/{name}:", said))
    done = lint(tmp_path, {**FINE, **files})
    assert done.returncode == 1, done.stderr
    told = done.stdout.splitlines()
    for place, said in expected:
        about = [line for line in told if line.startswith(place)]
        assert len(about) == 1 and said in about[0], (place, said, about)
    assert told[-1] == f"dashboard: {len(expected)} faults" and len(told) == len(expected) + 1, done.stdout


def test_a_circle(tmp_path):
    done = lint(tmp_path, {**FINE, "ui/a.ts": "import { b } from './b.ts';\nexport const a = (): number => b();\n",
                           "ui/b.ts": "import { a } from './a.ts';\nexport const b = (): number => a();\n"})
    assert done.returncode == 1 and "a circle: ui/a.ts -> ui/b.ts -> ui/a.ts" in done.stdout, done.stdout
