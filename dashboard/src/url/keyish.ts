// What looks like a key, or most of one, by itself or among other words, as the gateway finds it (gateway/token/key_text.h):
// it is not shown, and stands in no address and no request.
const KEY = /(ntk|tgu|tgs)_[0-9a-z]{8,}/i;
const WITH_REST = new RegExp(`${KEY.source}[\\w-]*`, 'gi'); // hidden rather too much than too little

export const keyIn = (text: string): string | undefined => text.match(KEY)?.[0];
export const looksLikeKey = (text: string): boolean => keyIn(text) !== undefined;
export const withoutKeys = (text: string): string => text.replace(WITH_REST, '***');

// A parameter that was passed over, for who reads of it.
export const named = (name: string, value: string): string => withoutKeys(`${name}=${value}`);
