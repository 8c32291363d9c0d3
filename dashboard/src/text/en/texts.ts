// All English texts. A text that another language lacks does not compile.
import { common } from './common.ts';
import { dashboard } from './dashboard.ts';
import { people } from './people.ts';
import { problems } from './problems.ts';
import { records } from './records.ts';
import { tokens } from './tokens.ts';
import { usage } from './usage.ts';

export const texts = { common, people, dashboard, problems, records, tokens, usage };
export type Texts = typeof texts;
