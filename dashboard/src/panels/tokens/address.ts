// Questions about tokens, and asking them anew after a change.
import { addressOfGet } from '@/api/call.ts';
import { refresh } from '@/query/store.ts';

export const routesAddress = addressOfGet('/api/routes');
export const teamsAddress = addressOfGet('/api/teams', { query: { limit: 200 } });
export const tokenAddressesOf = (id: number): string => addressOfGet('/api/tokens/{id}/addresses', { path: { id } });
export const refreshTokens = (): void => refresh((a) => a.startsWith('/api/tokens'), true);
