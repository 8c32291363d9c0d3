// All texts in Traditional Chinese, as Taiwan writes it.
import type { Texts } from '../en/texts.ts';
import { common } from './common.ts';
import { dashboard } from './dashboard.ts';
import { problems } from './problems.ts';

export const texts: Texts = { common, dashboard, problems };
