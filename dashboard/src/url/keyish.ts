// What looks like a key, also half of one: it is not shown, and stands in no address.
export const looksLikeKey = (text: string): boolean => /^(ntk|tgu)_[0-9A-Za-z]{12,}$/.test(text.trim());
