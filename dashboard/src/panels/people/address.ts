// Questions about teams, people and the audit, and asking them anew after a change.
import { addressOfGet } from '@/api/call.ts';
import { refresh } from '@/query/store.ts';

export const teamAddress = (id: number): string => addressOfGet('/api/teams/{id}', { path: { id } });
export const userAddress = (id: number): string => addressOfGet('/api/users/{id}', { path: { id } });
export const keysAddress = (id: number): string => addressOfGet('/api/users/{id}/keys', { path: { id } });
export const sessionsAddress = (id: number): string => addressOfGet('/api/users/{id}/sessions', { path: { id } });
export const identitiesAddress = (id: number): string => addressOfGet('/api/users/{id}/identities', { path: { id } });

const PEOPLE = /^\/api\/(teams|users|access-requests|audit|me)\b/;
export const refreshPeople = (): void => refresh((a) => PEOPLE.test(a), true);
