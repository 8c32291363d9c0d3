// Pages about people, and what they changed.
import AccountPage from '@/pages/account/AccountPage.tsx';
import AuditPage from '@/pages/audit/AuditPage.tsx';
import NodesPage from '@/pages/nodes/NodesPage.tsx';
import TeamPage from '@/pages/teams/TeamPage.tsx';
import TeamsPage from '@/pages/teams/TeamsPage.tsx';
import UserPage from '@/pages/users/UserPage.tsx';
import UsersPage from '@/pages/users/UsersPage.tsx';

export const PEOPLE = {
  account: AccountPage, audit: AuditPage, nodes: NodesPage, team: TeamPage, teams: TeamsPage, user: UserPage, users: UsersPage,
} as const;
