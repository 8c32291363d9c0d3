// Pages that are loaded together: what they share is one chunk then, which compresses better than ten.
import AnalyticsPage from '@/pages/analytics/AnalyticsPage.tsx';
import DashboardPage from '@/pages/dashboard/DashboardPage.tsx';
import RoutePage from '@/pages/route/RoutePage.tsx';
import TokenPage from '@/pages/token/TokenPage.tsx';

export const USAGE = { analytics: AnalyticsPage, dashboard: DashboardPage, route: RoutePage, token: TokenPage } as const;
