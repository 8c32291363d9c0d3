// Before a key is sent: what is no personal key is not sent at all.
export type KeyFault = 'gateway_key' | 'no_key';

export function keyFault(text: string): KeyFault | null {
  const key = text.trim();
  if (/^ntk_/.test(key))
    return 'gateway_key';
  return /^tgu_[0-9A-Za-z]{38}$/.test(key) ? null : 'no_key';
}
