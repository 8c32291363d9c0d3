// A name for one act, so that what is sent twice is done once. `randomUUID` is missing on plain http off localhost.
export function onceKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
}
