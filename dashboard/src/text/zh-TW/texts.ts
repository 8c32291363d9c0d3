// All texts in Traditional Chinese, as Taiwan writes it.
import type { Texts } from '../en/texts.ts';
import { common } from './common.ts';
import { problems } from './problems.ts';
import { tokens } from './tokens.ts';
import { usage } from './usage.ts';

export const texts: Texts = { common, problems, tokens, usage };
