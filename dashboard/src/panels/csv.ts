// Rows as CSV (RFC 4180), for spreadsheets: a byte-order mark, numbers bare, texts that look like formulas made harmless.
type Cell = string | number | boolean | null | undefined;

function cell(value: Cell): string {
  if (value === null || value === undefined)
    return '';
  if (typeof value !== 'string')
    return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
}

export function csvOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return `\uFEFF${[head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

const fileName = (of: string): string => `${of.trim().toLowerCase().replace(/[\s/\\:*?"<>|]+/g, '-')}.csv`;

function click(href: string, name: string): void {
  const a = document.createElement('a');
  a.href = href;
  a.download = name;
  a.click();
}

// The address of a file, or its text.
export function saveCsv(of: string, csv: (() => string) | string): void {
  if (typeof csv === 'string') {
    click(csv, fileName(of));
    return;
  }
  const href = URL.createObjectURL(new Blob([csv()], { type: 'text/csv' }));
  click(href, fileName(of));
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
