import assert from 'node:assert/strict';
import { test } from 'node:test';
import { texts as en } from './en/texts.ts';
import { texts as zh } from './zh-TW/texts.ts';

type Visit = (path: string, value: unknown) => void;
function walk(node: object, path: string, visit: Visit): void {
  for (const [name, value] of Object.entries(node))
    if (typeof value === 'object' && value !== null)
      walk(value, `${path}.${name}`, visit);
    else
      visit(`${path}.${name}`, value);
}

const collect = (node: object): Map<string, unknown> => {
  const found = new Map<string, unknown>();
  walk(node, '', (path, value) => found.set(path, value));
  return found;
};

test('both languages have the same texts, with the same parameters', () => {
  const [english, chinese] = [collect(en), collect(zh)];
  assert.deepEqual([...chinese.keys()].sort(), [...english.keys()].sort());
  for (const [path, value] of english) {
    assert.equal(typeof chinese.get(path), typeof value, path);
    if (typeof value !== 'function')
      continue;
    const words = Array.from({ length: value.length }, (_, i) => `<${i}>`);
    const other = chinese.get(path);
    assert(typeof other === 'function');
    words.forEach((word, i) => {
      const english = (given: unknown): string => String(value(...words.map((w, k) => (k === i ? given : w))));
      if (english(1) !== english(2).replaceAll('2', '1') && !english(word).includes(word))
        return; // it chooses between singular and plural, which Chinese does not have
      assert(english(word).includes(word), `en${path} leaves ${word} out`);
      assert(String(other(...words)).includes(word), `zh-TW${path} leaves ${word} out`);
    });
  }
});

// What is never one, by the code that prints it, and words that end like plurals.
const NEVER_ONE = ['.usage.range.odd', '.tokens.form.inDays', '.tokens.rotate.days', '.tokens.list.unused', '.tokens.list.soon', '.people.keys.inDays'];
const PLURAL = /\b1 (?!(?:is|has|was|acts|less)\b)\p{L}+s\b/u;

test('one thing is not told in the plural', () => {
  for (const [path, value] of collect(en))
    if (typeof value === 'function' && !NEVER_ONE.includes(path))
      assert.doesNotMatch(String(value(1, 1, 1)), PLURAL, path);
});

// Glyphs that are Simplified alone, as they come by mistake.
const SIMPLIFIED = /[们这个为时间对应开关调数据访问请输显页线络总权错误统计节点网关]/;
const SHARED = /[個為時間對應開關調數據訪問請輸顯頁線絡總權錯誤統計節點網關間]/g;

test('Traditional Chinese is without Simplified glyphs, and has one form of address', () => {
  for (const [path, value] of collect(zh)) {
    const text = typeof value === 'function' ? String(value('1', '2', '3')) : String(value);
    const rest = text.replace(SHARED, '').match(/[们这为时间对应开关调数据访问请输显页线络总权错误统计节点网关]/);
    const isSimplified = rest !== null && SIMPLIFIED.test(rest[0]) && /[们这为时对应开关调数访问请输显页线络总权错误统节点网]/.test(rest[0]);
    assert(!text.includes('你'), `${path}: readers are 您 here: ${text}`);
    assert(!isSimplified, `${path}: ${rest?.[0]} in ${text}`);
  }
});
