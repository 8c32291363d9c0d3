// axe-core on a page. It is handed to the page by the debugger, which the page's policy does not bind.
import { readFileSync } from 'node:fs';
import { dashboard } from './chromium.mjs';

let source;

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

function tell(violation) {
  const nodes = violation.nodes.slice(0, 5).map((n) =>
    `      ${n.target.join(' ')}\n        ${n.html.slice(0, 200)}\n        ${n.failureSummary.replace(/\n\s*/g, '; ')}`);
  const more = violation.nodes.length > 5 ? `\n      and ${violation.nodes.length - 5} more` : '';
  return `    ${violation.id} (${violation.impact}): ${violation.help}\n${nodes.join('\n')}${more}`;
}

// What is wrong, as a text; empty where nothing is. options: axe.run's.
export async function axe(page, options = {}) {
  source ??= readFileSync(dashboard.resolve('axe-core/axe.min.js'), 'utf8');
  if (!await page.evaluate(() => 'axe' in window))
    await page.evaluate(source);
  const violations = await page.evaluate(async (given) => (await window.axe.run(document, {
    resultTypes: ['violations'], ...given })).violations, { runOnly: { type: 'tag', values: TAGS }, ...options });
  return violations.map(tell).join('\n');
}
