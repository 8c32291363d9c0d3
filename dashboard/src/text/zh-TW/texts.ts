// All texts in Traditional Chinese, as Taiwan writes it.
import type { Texts } from '../en/texts.ts';
import { common } from './common.ts';
import { dashboard } from './dashboard.ts';
import { people } from './people.ts';
import { problems } from './problems.ts';
import { records } from './records.ts';
import { tokens } from './tokens.ts';
import { usage } from './usage.ts';

export const texts: Texts = { common, people, dashboard, problems, records, tokens, usage };
