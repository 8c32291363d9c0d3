// Access as a form gives it, and as it is sent: what is not said is as the provider says.
export interface Grant {
  as: 'new' | 'existing';
  user: string; // an id
  name: string;
  email: string;
  isAdmin: boolean;
  team: string; // an id; empty: none
  role: 'viewer' | 'manager';
}

export interface GrantBody { user_id?: number; name?: string; email?: string; is_admin?: boolean; team_id?: number; role?: 'viewer' | 'manager' }

export function bodyOfGrant(g: Grant): GrantBody {
  const team = g.team === '' ? {} : { team_id: Number(g.team), role: g.role };
  if (g.as === 'existing')
    return { user_id: Number(g.user), ...team };
  return {
    ...(g.name.trim() ? { name: g.name.trim() } : {}), ...(g.email.trim() ? { email: g.email.trim() } : {}),
    ...(g.isAdmin ? { is_admin: true } : {}), ...team,
  };
}
