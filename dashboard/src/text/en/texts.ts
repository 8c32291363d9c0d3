// All English texts. A text that another language lacks does not compile.
import { common } from './common.ts';
import { dashboard } from './dashboard.ts';
import { problems } from './problems.ts';

export const texts = { common, dashboard, problems };
export type Texts = typeof texts;
