// Who reads, for all that is below the shell.
import { createContext, useContext } from 'react';
import type { Me } from '@/api/types.ts';

export const MeContext = createContext<Me | null>(null);

export function useSignedIn(): Me {
  const me = useContext(MeContext);
  if (!me)
    throw new Error('nobody is signed in above');
  return me;
}

// Where somebody may make, change and revoke tokens: all teams' for admins.
export const managedTeams = (me: Me): Me['teams'] => me.teams.filter((t) => t.role === 'manager');
