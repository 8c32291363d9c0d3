// An OpenID provider for tests: people sign in by their name alone, and need not consent.
// argv: one JSON object {port, clients, claims}; prints "ready" when it answers.
// /interaction/UID?as=NAME signs NAME in, ?refuse breaks off.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { port, clients, claims } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients,
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  claims: { openid: ["sub"], profile: ["name", "groups"], email: ["email"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["a test's"] },
  pkce: { required: () => true, methods: ["S256"] },
  ttl: { Interaction: 600, Session: 600, Grant: 600, IdToken: 600, AccessToken: 600 },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims[id] }) }),
  async loadExistingGrant(ctx) {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

const ASK = '<!doctype html><title>Provider</title><form><label>Who <input name="as"></label><button>Sign in</button></form>';
const answer = provider.callback();
createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  if (!url.pathname.startsWith("/interaction/")) return answer(request, response);
  if (url.search === "") return response.writeHead(200, { "Content-Type": "text/html" }).end(ASK); // a browser
  try {
    const result = url.searchParams.has("refuse")
      ? { error: "access_denied", error_description: "the person refused" }
      : { login: { accountId: url.searchParams.get("as") } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(port, "127.0.0.1", () => console.log("ready"));
