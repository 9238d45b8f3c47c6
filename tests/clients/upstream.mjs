// An OpenAI-like HTTPS server for the client tests. It runs in the test's own process, so a test
// can look at the requests it saw, let a stream's events out one by one, and learn when its client
// left. A request is found by its x-test-id header (or `id` in the query).

import crypto from 'node:crypto';
import https from 'node:https';
import zlib from 'node:zlib';

import { WebSocketServer } from 'ws';

import { api_key, pause, within } from './harness.mjs';

/** Bytes that look random and are the same for the same seed. */
export function noise(bytes, seed = 'noise') {
  const key = crypto.createHash('sha256').update(seed).digest();
  const cipher = crypto.createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return cipher.update(Buffer.alloc(bytes));
}

export const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

export const speech = noise(3 * 1024 * 1024 + 7, 'speech');
export const answer_words = ['The ', 'proxy ', 'passes ', '每', '个', '字 ', 'on ', 'at ', 'once.'];
export const upstream_origin = 'https://platform.example';

/** Permits that one side gives and the other takes: it makes a stream go event by event. */
class Gate {
  constructor() {
    this.permits_ = 0;
    this.waiting_ = [];
  }
  open(permits = 1) {
    this.permits_ += permits;
    while (this.permits_ > 0 && this.waiting_.length > 0) {
      this.permits_ -= 1;
      this.waiting_.shift()();
    }
  }
  take() {
    if (this.permits_ > 0) {
      this.permits_ -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting_.push(resolve));
  }
}

class Upstream {
  constructor() {
    this.requests = [];
    this.gates_ = new Map();
    this.watchers_ = new Map();
    this.count_ = 0;
  }

  gate(id) {
    if (!this.gates_.has(id)) this.gates_.set(id, new Gate());
    return this.gates_.get(id);
  }

  seen_with(id) {
    return this.requests.filter((seen) => seen.id === id);
  }

  /** Resolves with the first request of that id, now or when it comes. */
  arrival(id) {
    const [seen] = this.seen_with(id);
    if (seen) return Promise.resolve(seen);
    const comes = new Promise((resolve) => this.watchers_.set(id, resolve));
    return within(10_000, comes, `request ${id} at the upstream`);
  }

  note(request) {
    const url = new URL(request.url, 'https://upstream');
    const seen = {
      id: request.headers['x-test-id'] ?? url.searchParams.get('id'),
      request_id: `req_${++this.count_}`,
      method: request.method,
      url: request.url,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      raw_headers: request.rawHeaders,
      servername: request.socket.servername,
      connection: request.socket,
      arrived: performance.now(),
    };
    this.requests.push(seen);
    this.watchers_.get(seen.id)?.(seen);
    return seen;
  }
}

const read_body = async (request) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
};

const usage = { prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 };

const send_json = (response, status, value, headers = {}) => {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...headers,
  });
  response.end(body);
};

const send_error = (response, status, type, code, headers) => {
  const message = `upstream says ${code}`;
  send_json(response, status, { error: { message, type, param: null, code } }, headers);
};

function until_drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

// An event leaves only with a permit where the request names a gate: a proxy that holds one back
// waits for ever. x-test-gap-ms paces them instead, x-test-cut ends the connection after so many.
async function send_events(upstream, seen, response, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  const gate = seen.headers['x-test-gate'] ? upstream.gate(seen.id) : null;
  const gap_ms = Number(seen.headers['x-test-gap-ms'] ?? 0);
  const cut_after = Number(seen.headers['x-test-cut'] ?? Infinity);
  seen.sent = [];
  for (const [index, event] of events.entries()) {
    if (gate) await gate.take();
    if (gap_ms > 0 && index > 0) await pause(gap_ms);
    if (index >= cut_after) return response.destroy();
    if (response.destroyed) return;
    seen.sent.push(performance.now());
    if (!response.write(event)) await until_drained(response);
  }
  response.end();
}

function chat_events(seen, model) {
  const words = seen.headers['x-test-words']
    ? Array.from({ length: Number(seen.headers['x-test-words']) }, (_, i) => `${i} `)
    : answer_words;
  if (seen.headers['x-test-long-word']) {
    words.push('x'.repeat(Number(seen.headers['x-test-long-word'])));
  }
  const chunk = (delta, finish_reason = null) =>
    `data: ${JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model,
      choices: [{ index: 0, delta, finish_reason }],
    })}\n\n`;
  return [...words.map((content) => chunk({ content })), chunk({}, 'stop'), 'data: [DONE]\n\n'];
}

function response_events(model) {
  const response = { id: 'resp_1', object: 'response', model, status: 'in_progress', output: [] };
  const text = answer_words.join('');
  const events = [
    { type: 'response.created', response },
    ...answer_words.map((delta) => ({
      type: 'response.output_text.delta',
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta,
    })),
    {
      type: 'response.completed',
      response: {
        ...response,
        status: 'completed',
        output: [
          {
            type: 'message',
            id: 'msg_1',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text, annotations: [] }],
          },
        ],
      },
    },
  ];
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

// RFC 7578 by hand: the point is to hash the very bytes that came.
function multipart_parts(seen, body) {
  const boundary = /boundary="?([^";]+)"?/.exec(seen.headers['content-type'])[1];
  const mark = Buffer.from(`--${boundary}`);
  const parts = [];
  let at = body.indexOf(mark);
  for (;;) {
    const next = body.indexOf(mark, at + mark.length);
    if (next < 0) return parts;
    const part = body.subarray(at + mark.length + 2, next - 2);
    const split = part.indexOf('\r\n\r\n');
    const head = part.subarray(0, split).toString();
    parts.push({
      name: /name="([^"]*)"/.exec(head)[1],
      filename: /filename="([^"]*)"/.exec(head)?.[1],
      bytes: part.subarray(split + 4),
    });
    at = next;
  }
}

async function answer_chat(upstream, seen, request, response) {
  const body = JSON.parse(await read_body(request));
  if (seen.headers['x-test-hang']) return;
  if (body.model === 'error-401') {
    return send_error(response, 401, 'invalid_request_error', 'invalid_api_key');
  }
  if (body.model === 'error-echo') {
    const told = `Incorrect API key provided: ${seen.headers.authorization}.`;
    return send_error(response, 401, 'invalid_request_error', told, { 'x-told': told });
  }
  if (body.model === 'error-429') {
    return send_error(response, 429, 'requests', 'rate_limit_exceeded', { 'retry-after': '7' });
  }
  if (body.model === 'busy-once' && upstream.seen_with(seen.id).length === 1) {
    const headers = { 'retry-after-ms': '60' };
    return send_error(response, 429, 'requests', 'rate_limit_exceeded', headers);
  }
  if (body.stream) return send_events(upstream, seen, response, chat_events(seen, body.model));
  const message = { role: 'assistant', content: answer_words.join(''), refusal: null };
  send_json(response, 200, {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: body.model,
    choices: [{ index: 0, message, finish_reason: 'stop', logprobs: null }],
    usage,
  });
}

async function answer_responses(upstream, seen, request, response) {
  const body = JSON.parse(await read_body(request));
  const events = response_events(body.model).map(
    (event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  );
  return send_events(upstream, seen, response, events);
}

async function answer_embeddings(upstream, seen, request, response) {
  const body = JSON.parse(await read_body(request));
  const data = [body.input].flat().map((text, index) => {
    const numbers = Float32Array.from({ length: 256 }, (_, i) => (text.length + i) / 1024);
    const embedding =
      body.encoding_format === 'base64'
        ? Buffer.from(numbers.buffer).toString('base64')
        : Array.from(numbers);
    return { object: 'embedding', index, embedding };
  });
  send_json(response, 200, { object: 'list', model: body.model, data, usage });
}

async function answer_files(upstream, seen, request, response) {
  const parts = multipart_parts(seen, await read_body(request));
  const file = parts.find((part) => part.name === 'file');
  const purpose = parts.find((part) => part.name === 'purpose').bytes.toString();
  send_json(response, 200, {
    id: 'file-1',
    object: 'file',
    bytes: file.bytes.length,
    created_at: 1,
    filename: file.filename,
    purpose,
    status: 'processed',
    sha256: sha256(file.bytes),
  });
}

async function answer_transcriptions(upstream, seen, request, response) {
  const parts = multipart_parts(seen, await read_body(request));
  const text = sha256(parts.find((part) => part.name === 'file').bytes);
  send_json(response, 200, {
    text,
    usage: { type: 'tokens', input_tokens: 14, output_tokens: 3, total_tokens: 17 },
  });
}

async function answer_speech(upstream, seen, request, response) {
  await read_body(request);
  response.writeHead(200, { 'content-type': 'audio/mpeg' });
  response.end(speech);
}

async function answer_models(upstream, seen, request, response) {
  const list = {
    object: 'list',
    data: Array.from({ length: 200 }, (_, i) => ({ id: `model-${i}`, object: 'model' })),
  };
  if (!/\bgzip\b/.test(seen.headers['accept-encoding'] ?? '')) {
    return send_json(response, 200, list);
  }
  const body = zlib.gzipSync(JSON.stringify(list));
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'content-length': body.length,
  });
  response.end(body);
}

async function answer_echo(upstream, seen, request, response) {
  const body = await read_body(request);
  send_json(response, 200, {
    method: seen.method,
    url: seen.url,
    headers: seen.headers,
    raw_headers: seen.raw_headers,
    servername: seen.servername,
    sha256: sha256(body),
  });
}

const answers = {
  '/v1/chat/completions': answer_chat,
  '/v1/responses': answer_responses,
  '/v1/embeddings': answer_embeddings,
  '/v1/files': answer_files,
  '/v1/audio/speech': answer_speech,
  '/v1/audio/transcriptions': answer_transcriptions,
  '/v1/files/file-1/content': answer_speech,
  '/v1/models': answer_models,
};

function decline_upgrade(socket, status, reason, code) {
  const message = `upstream declines: ${code}`;
  const error = { message, type: 'invalid_request_error', param: null, code };
  const body = JSON.stringify({ error });
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\n` +
      `x-request-id: req_declined\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

// OpenAI takes the key from either place; a browser can only use the second (never both here).
function key_place(seen) {
  if (seen.headers.authorization === `Bearer ${api_key}`) return 'header';
  const offered = (seen.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
  return offered.includes(`openai-insecure-api-key.${api_key}`) ? 'subprotocol' : null;
}

function serve_realtime(seen, socket) {
  const send = (event) => socket.send(JSON.stringify(event));
  const model = seen.query.get('model');
  const session = { model, key_in: key_place(seen), protocol: socket.protocol };
  send({ type: 'session.created', event_id: 'event_1', session });
  socket.on('message', (text) => {
    if (JSON.parse(text).type !== 'response.create') return;
    for (const delta of answer_words) send({ type: 'response.output_text.delta', delta });
    send({ type: 'response.done', response: { id: 'resp_1', status: 'completed' } });
  });
}

function serve_responses(seen, socket) {
  socket.on('message', (text) => {
    const { type, model } = JSON.parse(text);
    if (type !== 'response.create') return;
    for (const event of response_events(model)) socket.send(JSON.stringify(event));
  });
}

const sockets_by_path = {
  '/v1/realtime': serve_realtime,
  '/v1/responses': serve_responses,
  '/ws/echo': (seen, socket) =>
    socket.on('message', (bytes, binary) => socket.send(bytes, { binary })),
  '/ws/close': (seen, socket) =>
    socket.close(Number(seen.query.get('code')), seen.query.get('reason')),
  '/ws/terminate': (seen, socket) => socket.on('message', () => socket.terminate()),
  '/ws/greet': (seen, socket) => socket.send('with the 101', { compress: false }),
  '/ws/sink': (seen, socket) => {
    seen.bytes = 0;
    socket.on('message', (bytes) => (seen.bytes += bytes.length));
  },
  '/ws/flood': (seen, socket) => {
    const bytes = noise(64 * 1024, 'flood');
    for (let left = Number(seen.query.get('messages')); left > 0; left -= 1) socket.send(bytes);
    socket.close(1000, 'flooded');
  },
};

function accept_upgrades(upstream, server) {
  const upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: 64 * 1024 * 1024,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => ['realtime', 'chat'].find((name) => offered.has(name)) ?? false,
  });
  server.on('upgrade', (request, raw_socket, head) => {
    const seen = upstream.note(request);
    raw_socket.on('error', () => {});
    seen.left = new Promise((resolve) =>
      raw_socket.once('close', () => resolve(performance.now())),
    );
    const serve = sockets_by_path[seen.path.replace(/^\/nested/, '')];
    if (!serve) return decline_upgrade(raw_socket, 404, 'Not Found', 'unknown_url');
    if (seen.path === '/v1/realtime' && !key_place(seen)) {
      return decline_upgrade(raw_socket, 401, 'Unauthorized', 'invalid_api_key');
    }
    raw_socket.cork(); // So that the first frame can come in the same packet as the 101.
    upgrades.handleUpgrade(request, raw_socket, head, (socket) => {
      seen.socket = socket;
      seen.closed = new Promise((resolve) =>
        socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
      );
      socket.on('error', () => {});
      serve(seen, socket);
    });
    process.nextTick(() => raw_socket.uncork());
  });
}

/**
 * Starts the server on a free port of 127.0.0.1. `on_bytes` makes for each connection a function
 * that is called with all that comes on it, decrypted.
 */
export async function start_upstream(certificates, { on_bytes } = {}) {
  const upstream = new Upstream();
  const server = https.createServer({ key: certificates.key, cert: certificates.cert });
  if (on_bytes) server.on('secureConnection', (socket) => socket.on('data', on_bytes(socket)));
  server.keepAliveTimeout = 60_000;
  server.on('request', (request, response) => {
    const seen = upstream.note(request);
    seen.left = new Promise((resolve) =>
      response.once('close', () => {
        if (!response.writableFinished) resolve(performance.now());
      }),
    );
    response.setHeader('x-request-id', seen.request_id);
    response.setHeader('openai-processing-ms', '12');
    response.setHeader('x-ratelimit-remaining-requests', '41');
    response.setHeader('access-control-allow-origin', upstream_origin);
    response.setHeader('alt-svc', 'h3=":443"; ma=86400');
    const answer = answers[seen.path] ?? answer_echo;
    answer(upstream, seen, request, response).catch((error) => {
      seen.error = error; // The client's abort cuts a body we were reading.
      response.destroy();
    });
  });
  accept_upgrades(upstream, server);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  upstream.port = server.address().port;
  upstream.close = async () => {
    for (const seen of upstream.requests) seen.connection.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return upstream;
}
