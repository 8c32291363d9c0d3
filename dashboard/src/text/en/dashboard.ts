export const dashboard = {
  title: 'Overview', topTokens: 'Top 3 tokens', topRoutes: 'Top 3 routes', all: 'All usage', cost: 'Cost so far', costOf: 'this month, by the prices of routes',
  costRange: 'in this range, by the prices of routes',
  first: {
    title: 'First steps', done: 'Done', open: 'Still to do', dismiss: 'Hide these steps', finished: 'All of them are done.',
    token: 'Make a token', tokenHint: 'Its key opens routes. On the pages, or on the machine:',
    call: 'Make a first call with it', callHint: 'Put the key in place of $KEY; the call shows here within seconds.',
    upstream: 'Lead a route to an upstream of your own', upstreamHint: 'Write it into the configuration, where routes lead to the demo or the mock, and check that. `tollgate dev` calls what is elsewhere with `--live` alone.',
    tokens: 'To the tokens',
  },
};
