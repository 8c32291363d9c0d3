// What a form changes of a user; what is absent stays, null clears.
export interface UserDraft { name: string; email: string; isAdmin: boolean }

export function changesOfUser(u: { name: string; email?: string | null; is_admin?: boolean }, d: UserDraft): { name?: string; email?: string | null; is_admin?: boolean } {
  const email = d.email.trim() || null;
  return {
    ...(d.name.trim() === u.name ? {} : { name: d.name.trim() }),
    ...(email === (u.email ?? null) ? {} : { email }),
    ...(d.isAdmin === (u.is_admin === true) ? {} : { is_admin: d.isAdmin }),
  };
}
