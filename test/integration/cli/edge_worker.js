// An edge Worker as the older system had it: validates the key by the store, forwards, and reports the call.
export default {
  async fetch(request, env, context) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(request.headers.get("X-API-Key") ?? ""));
    const hash = [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, "0")).join("");
    const entry = JSON.parse(env.STORE)[hash];
    if (!entry) return new Response("unknown key", { status: 401 });
    const url = new URL(request.url);
    const began = Date.now();
    const answer = await env.BACKEND.fetch("http://backend" + url.pathname);
    const report = env.MANAGER.fetch("http://localhost" + env.REPORT_PATH, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        token_hash: hash, route: "/api/test", timestamp: began, response_status: answer.status,
        response_time_ms: Date.now() - began, ip_address: "192.0.2.7", user_agent: request.headers.get("User-Agent"),
        request_method: request.method, error_message: null,
      }),
    });
    context.waitUntil(report);
    return new Response(answer.body, { status: answer.status });
  },
};
