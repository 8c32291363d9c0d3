// Many calls through the gateway, evenly, on connections that stay.
import http from 'node:http';
import { site } from './site.mjs';

const AT_ONCE = 32;
const TICK_MS = 20;

function callOnce(agent, path) {
  return new Promise((resolve, reject) => {
    http.get(site.gateway + path, { agent, headers: { 'X-API-Key': site.tokens.caller.key } }, (answer) => {
      answer.resume();
      answer.on('end', resolve);
    }).on('error', reject);
  });
}

// How many were made.
export async function flood({ perSecond, seconds, path = '/api/orders/flood' }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const begun = performance.now();
  const calls = [];
  for (;;) {
    const passed = Math.min(performance.now() - begun, seconds * 1000);
    while (calls.length < passed / 1000 * perSecond)
      calls.push(callOnce(agent, path));
    if (passed >= seconds * 1000)
      break;
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(calls);
  agent.destroy();
  return calls.length;
}
