// A proxy that everything the browser asks for goes through, workers included: it lets pass what is for
// this machine's own servers, and notes the rest.
import http from 'node:http';

// What Chromium itself wants, whatever page is open; it gets nothing.
const ITS_OWN = ['accounts.google.com', 'clients2.google.com', 'update.googleapis.com', 'content-autofill.googleapis.com',
  'optimizationguide-pa.googleapis.com', 'android.clients.google.com', 'redirector.gvt1.com', 'www.google.com'];

export class Gate {
  // {method, url, at, isPending}: all requests, in their order; and where else somebody wanted to go.
  requests = [];
  strangers = [];

  constructor(origins) {
    this.origins = new Set(origins);
    this.server = http.createServer((request, response) => this.#pass(request, response));
    this.server.on('connect', (request, socket) => this.#refuseTunnel(request, socket));
    this.sockets = new Set();
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {}); // the browser has gone
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  async open() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  async close() {
    for (const socket of this.sockets)
      socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  // How many requests of a path have not ended yet.
  pending(path) {
    return this.requests.filter((r) => r.isPending && new URL(r.url).pathname === path).length;
  }

  // Requests of a path, from a place in .requests on.
  of(path, since = 0) {
    return this.requests.slice(since).filter((r) => new URL(r.url).pathname === path);
  }

  #note(where, host) {
    if (!ITS_OWN.includes(host))
      this.strangers.push(where);
  }

  #pass(request, response) {
    let url;
    try {
      url = new URL(request.url);
    } catch {
      response.writeHead(400).end();
      return;
    }
    if (!this.origins.has(url.origin)) {
      this.#note(request.url, url.hostname);
      response.writeHead(502).end();
      return;
    }
    const noted = { method: request.method, url: request.url, at: performance.now(), isPending: true };
    this.requests.push(noted);
    const onward = http.request(url, { method: request.method, headers: request.headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => {
      noted.isPending = false;
      onward.destroy();
    });
    request.pipe(onward);
  }

  #refuseTunnel(request, socket) {
    this.#note(request.url, request.url.split(':')[0]);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  }
}
