// SHA-256 (FIPS 180-4) of a text: crypto.subtle is missing on plain http off localhost.
const constants = (power: number, count: number): Uint32Array => {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n; d++)
      isPrime = isPrime && n % d !== 0;
    if (isPrime)
      found.push(Math.floor((n ** power % 1) * 2 ** 32));
  }
  return Uint32Array.from(found);
};

const K = constants(1 / 3, 64);
const INITIAL = constants(1 / 2, 8);
const at = (a: Uint32Array, i: number): number => a[i] ?? 0;
const turn = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

// The message, a 1 bit, zeros, and its length in bits.
function padded(bytes: Uint8Array): DataView {
  const out = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  out.set(bytes);
  out[bytes.length] = 0x80;
  const view = new DataView(out.buffer);
  view.setUint32(out.length - 4, bytes.length * 8);
  return view;
}

function schedule(view: DataView, offset: number): Uint32Array {
  const w = new Uint32Array(64);
  for (let i = 0; i < 64; i++) {
    const [a, b] = [at(w, i - 15), at(w, i - 2)];
    w[i] = i < 16 ? view.getUint32(offset + 4 * i)
      : at(w, i - 16) + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + at(w, i - 7) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
  }
  return w;
}

function compress(state: Uint32Array, w: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const t1 = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + at(K, i) + at(w, i);
    const t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((v, i) => { state[i] = at(state, i) + v; });
}

export function sha256Hex(text: string): string {
  const view = padded(new TextEncoder().encode(text));
  const state = INITIAL.slice();
  for (let offset = 0; offset < view.byteLength; offset += 64)
    compress(state, schedule(view, offset));
  return [...state].map((v) => v.toString(16).padStart(8, '0')).join('');
}
