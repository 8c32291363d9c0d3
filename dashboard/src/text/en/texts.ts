// All English texts. A text that another language lacks does not compile.
import { common } from './common.ts';
import { problems } from './problems.ts';
import { tokens } from './tokens.ts';
import { usage } from './usage.ts';

export const texts = { common, problems, tokens, usage };
export type Texts = typeof texts;
