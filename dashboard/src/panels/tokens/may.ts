// Who may act on tokens: admins on all, managers on those of their teams.
import type { Me, Token } from '@/api/types.ts';

export const mayActOn = (me: Me, token: Pick<Token, 'team'>): boolean =>
  me.may.administer || me.teams.some((t) => t.role === 'manager' && t.id === token.team?.id);

export const isOver = (token: Pick<Token, 'state'>): boolean => token.state === 'revoked' || token.state === 'deleted';
