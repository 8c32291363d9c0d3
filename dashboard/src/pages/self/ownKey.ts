// Before a key is sent: what is no gateway key is not sent at all. Imported keys have any shape, but no blanks.
export type OwnKeyFault = 'personal' | 'wrong';

export function ownKeyFault(text: string): OwnKeyFault | null {
  const key = text.trim();
  if (/^tgu_/.test(key))
    return 'personal';
  return /^[\x21-\x7e]{8,512}$/.test(key) ? null : 'wrong';
}
