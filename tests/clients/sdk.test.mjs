// The official `openai` package through the proxy, with only baseURL and apiKey set, as a user of
// it would: what it sends arrives, what the API answers comes back, and nothing is held on the way.

import assert from 'node:assert/strict';
import * as buffer from 'node:buffer';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe } from 'node:test';

import OpenAI, { toFile } from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { ResponsesWS } from 'openai/resources/responses/ws';

import {
  api_key, cancel_ms_max, free_port, in_turn, make_certificates, make_scratch, make_tests,
  next_event, poll, start_proxy, start_tls_front, stop_proxy, upstream_yaml, within,
} from './harness.mjs';
import { answer_words, noise, sha256, speech, start_upstream } from './upstream.mjs';

globalThis.File ??= buffer.File; // Node 18 has it, but not as a global, where the SDK looks.

const messages = [{ role: 'user', content: 'Say it.' }];
const whole_answer = answer_words.join('');

describe('openai SDK for Node', () => {
  const { tally, test, last_test } = make_tests();
  let certificates, upstream, proxy, client;

  const client_of = (base_path, options = {}) =>
    new OpenAI({ baseURL: proxy.url + base_path, apiKey: api_key, maxRetries: 0, ...options });

  before(async () => {
    const dir = make_scratch();
    const names = ['DNS:localhost', 'DNS:api.upstream.test', 'IP:127.0.0.1'];
    certificates = make_certificates(dir, names);
    upstream = await start_upstream(certificates);
    const yaml = [
      'workers: 2',
      'timeouts: { drain: 2s }',
      'upstreams:',
      upstream_yaml('openai', `https://localhost:${upstream.port}`, certificates),
      upstream_yaml('named', `https://127.0.0.1:${upstream.port}/nested`, certificates,
        '    host: api.upstream.test\n'),
      `  untrusted: { url: "https://localhost:${upstream.port}" }`,
      `  down: { url: "https://127.0.0.1:${await free_port()}" }`,
      'routes:',
      '  - { path: /, upstream: openai }',
      '  - { path: /named, upstream: named }',
      '  - { path: /untrusted, upstream: untrusted }',
      '  - { path: /down, upstream: down }',
      '',
    ];
    proxy = await start_proxy(dir, yaml.join('\n'));
    client = client_of('/v1');
  });

  after(async () => {
    await in_turn(
      () => stop_proxy(proxy, tally),
      () => upstream?.close(),
    );
  });

  test('chat completion', async () => {
    const completion = await client.chat.completions.create({ model: 'gpt-test', messages });
    assert.equal(completion.choices[0].message.content, whole_answer);
    assert.equal(completion.usage.total_tokens, 14);
    assert.match(completion._request_id, /^req_\d+$/);
  });

  test('the upstream sees the request as the SDK made it', async () => {
    const seen = await client.get('/echo//a/../b%2Fc?x=%20y&z', {
      headers: {
        'x-test-own': 'kept',
        'cf-connecting-ip': '203.0.113.7',
        'x-forwarded-for': '203.0.113.7',
        via: '1.1 somewhere',
      },
    });
    assert.equal(seen.headers.host, `localhost:${upstream.port}`);
    assert.equal(seen.servername, 'localhost');
    assert.equal(seen.headers.authorization, `Bearer ${api_key}`);
    assert.equal(seen.headers['x-test-own'], 'kept');
    assert.match(seen.headers['user-agent'], /^OpenAI\/JS /);
    assert.equal(seen.headers['x-stainless-lang'], 'js');
    const added = Object.keys(seen.headers).filter((name) =>
      /^(cf-|x-forwarded-|forwarded$|via$|x-real-ip$|true-client-ip$)/.test(name),
    );
    assert.deepEqual(added, []);
  });

  test('the path and query arrive byte for byte', async () => {
    const target = '/v1/echo//a/./b/../c%2Fd%20e?x=%20y&z=a+b&&';
    const response = await raw_get(proxy.port, target);
    assert.equal(JSON.parse(response).url, target);
  });

  test('an upstream with a base path and a host name of its own', async () => {
    const seen = await client_of('/named/v1').get('/echo');
    assert.equal(seen.url, '/nested/named/v1/echo');
    assert.equal(seen.headers.host, 'api.upstream.test');
    assert.equal(seen.servername, 'api.upstream.test');
  });

  test('streamed chat: every event arrives before the next one is made', async () => {
    const id = 'chat-lockstep';
    const gate = upstream.gate(id);
    const headers = { 'x-test-id': id, 'x-test-gate': '1' };
    gate.open();
    const stream = await client.chat.completions.create(
      { model: 'gpt-test', messages, stream: true },
      { headers },
    );
    const [seen] = upstream.seen_with(id);
    const latencies = [];
    let text = '';
    for await (const chunk of stream) {
      latencies.push(performance.now() - seen.sent.at(-1));
      text += chunk.choices[0].delta.content ?? '';
      gate.open();
    }
    assert.equal(text, whole_answer);
    assert.equal(latencies.length, answer_words.length + 1);
    // Nagle against a delayed ACK would cost 40 ms an event, a proxy that batches more.
    const median = latencies.sort((a, b) => a - b)[latencies.length >> 1];
    assert.ok(median < 30, `median latency of an event: ${median} ms`);
  });

  test('streamed chat: 20,000 events and a data line of 2 MiB', async () => {
    const headers = { 'x-test-words': '20000', 'x-test-long-word': String(2 * 1024 * 1024) };
    const body = { model: 'gpt-test', messages, stream: true };
    const stream = await client.chat.completions.create(body, { headers });
    let next = 0;
    let last = '';
    for await (const chunk of stream) {
      last = chunk.choices[0].delta.content ?? last;
      if (next < 20_000) assert.equal(last, `${next++} `);
    }
    assert.equal(next, 20_000);
    assert.equal(last, 'x'.repeat(2 * 1024 * 1024));
  });

  test('streamed chat: 100 at once', async () => {
    const streams = Array.from({ length: 100 }, async () => {
      const headers = { 'x-test-gap-ms': '5' };
      const body = { model: 'gpt-test', messages, stream: true };
      let text = '';
      for await (const chunk of await client.chat.completions.create(body, { headers })) {
        text += chunk.choices[0].delta.content ?? '';
      }
      return text;
    });
    for (const text of await Promise.all(streams)) assert.equal(text, whole_answer);
  });

  test('responses streamed: named events, response.completed last', async () => {
    const id = 'responses-lockstep';
    const gate = upstream.gate(id);
    gate.open();
    const stream = await client.responses.create(
      { model: 'gpt-test', input: 'Say it.', stream: true },
      { headers: { 'x-test-id': id, 'x-test-gate': '1' } },
    );
    const events = [];
    for await (const event of stream) {
      events.push(event);
      gate.open();
    }
    const types = events.map((event) => event.type);
    const deltas = answer_words.map(() => 'response.output_text.delta');
    assert.deepEqual(types, ['response.created', ...deltas, 'response.completed']);
    assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
    assert.equal(events.at(-1).response.output[0].content[0].text, whole_answer);
  });

  test('embeddings', async () => {
    const { data } = await client.embeddings.create({ model: 'embed', input: ['a', 'four'] });
    assert.equal(data.length, 2);
    assert.equal(data[1].embedding.length, 256);
    assert.ok(Math.abs(data[1].embedding[10] - 14 / 1024) < 1e-6);
  });

  test('a gzip body that only the SDK decodes', async () => {
    const { data } = await client.models.list();
    assert.equal(data.length, 200);
    assert.equal(data[199].id, 'model-199');
  });

  test('file upload, multipart with a length', async () => {
    const bytes = noise(8 * 1024 * 1024 + 3, 'upload');
    const file = await client.files.create({
      file: await toFile(bytes, 'training.jsonl'),
      purpose: 'fine-tune',
    });
    assert.equal(file.bytes, bytes.length);
    assert.equal(file.filename, 'training.jsonl');
    assert.equal(file.purpose, 'fine-tune');
    assert.equal(file.sha256, sha256(bytes));
  });

  test('file upload, multipart from a read stream', async () => {
    const bytes = noise(5 * 1024 * 1024 + 1, 'read stream');
    const name = path.join(path.dirname(certificates.ca_file), 'clip.wav');
    fs.writeFileSync(name, bytes);
    const upload = { file: fs.createReadStream(name), purpose: 'user_data' };
    const file = await client.files.create(upload);
    assert.equal(file.filename, 'clip.wav');
    assert.equal(file.sha256, sha256(bytes));
  });

  test('a chunked request body', async () => {
    const pieces = Array.from({ length: 40 }, (_, i) => noise(1 + i * 1000, `piece ${i}`));
    const body = new ReadableStream({
      pull(controller) {
        const piece = pieces[this.sent_++];
        if (piece) controller.enqueue(piece);
        else controller.close();
      },
      sent_: 0,
    });
    const seen = await client.post('/echo', { body, duplex: 'half' });
    assert.equal(seen.headers['transfer-encoding'], 'chunked');
    assert.equal(seen.sha256, sha256(Buffer.concat(pieces)));
  });

  test('audio download', async () => {
    const body = { model: 'tts', voice: 'alloy', input: 'Hi' };
    const response = await client.audio.speech.create(body);
    assert.equal(response.headers.get('content-type'), 'audio/mpeg');
    assert.equal(sha256(Buffer.from(await response.arrayBuffer())), sha256(speech));
  });

  test('401 raises AuthenticationError, with the request id', async () => {
    const error = await rejection(client.chat.completions.create({ model: 'error-401', messages }));
    assert.ok(error instanceof OpenAI.AuthenticationError, String(error));
    assert.equal(error.status, 401);
    assert.equal(error.code, 'invalid_api_key');
    assert.match(error.requestID, /^req_\d+$/);
  });

  test('429 raises RateLimitError, with the headers that tell when to come again', async () => {
    const error = await rejection(client.chat.completions.create({ model: 'error-429', messages }));
    assert.ok(error instanceof OpenAI.RateLimitError, String(error));
    assert.equal(error.code, 'rate_limit_exceeded');
    assert.equal(error.headers.get('retry-after'), '7');
    assert.equal(error.headers.get('x-ratelimit-remaining-requests'), '41');
  });

  test('the SDK retries when the upstream said so', async () => {
    const id = 'busy-once';
    const completion = await client_of('/v1', { maxRetries: 2 }).chat.completions.create(
      { model: id, messages },
      { headers: { 'x-test-id': id } },
    );
    assert.equal(completion.choices[0].message.content, whole_answer);
    const tries = upstream.seen_with(id);
    assert.deepEqual(tries.map((seen) => seen.headers['x-stainless-retry-count']), ['0', '1']);
    const waited = tries[1].arrived - tries[0].arrived;
    assert.ok(waited >= 60 && waited < 450, `retry-after-ms: 60 became ${waited} ms`);
  });

  test('an aborted stream is cancelled upstream at once', async () => {
    const id = 'abort-stream';
    upstream.gate(id).open();
    const stream = await client.chat.completions.create(
      { model: 'gpt-test', messages, stream: true },
      { headers: { 'x-test-id': id, 'x-test-gate': '1' } },
    );
    const [seen] = upstream.seen_with(id);
    for await (const chunk of stream) {
      assert.equal(chunk.choices[0].delta.content, answer_words[0]);
      break; // The SDK aborts the request of a stream that is left.
    }
    await assert_left_soon(seen, performance.now());
  });

  test('an aborted request without an answer yet is cancelled upstream at once', async () => {
    const id = 'abort-waiting';
    const controller = new AbortController();
    const pending = rejection(
      client.chat.completions.create(
        { model: 'gpt-test', messages },
        { headers: { 'x-test-id': id, 'x-test-hang': '1' }, signal: controller.signal },
      ),
    );
    const seen = await upstream.arrival(id);
    const aborted = performance.now();
    controller.abort();
    assert.ok((await pending) instanceof OpenAI.APIUserAbortError);
    await assert_left_soon(seen, aborted);
  });

  test('a request the SDK gives up on is cancelled upstream', async () => {
    const id = 'sdk-timeout';
    const error = await rejection(
      client.chat.completions.create(
        { model: 'gpt-test', messages },
        { headers: { 'x-test-id': id, 'x-test-hang': '1' }, timeout: 300 },
      ),
    );
    const gave_up = performance.now();
    assert.ok(error instanceof OpenAI.APIConnectionTimeoutError, String(error));
    const [seen] = upstream.seen_with(id);
    await assert_left_soon(seen, gave_up);
  });

  test('an upstream that dies in a stream never looks like its end', async () => {
    const id = 'cut';
    upstream.gate(id).open();
    const stream = await client.chat.completions.create(
      { model: 'gpt-test', messages, stream: true },
      { headers: { 'x-test-id': id, 'x-test-gate': '1', 'x-test-cut': '3' } },
    );
    let chunks = 0;
    const error = await rejection(
      (async () => {
        for await (const chunk of stream) {
          chunks += chunk.choices.length;
          upstream.gate(id).open();
        }
      })(),
    );
    assert.ok(error instanceof Error);
    assert.equal(chunks, 3);
  });

  test('a dead upstream raises InternalServerError with our message', async () => {
    const error = await rejection(
      client_of('/down/v1').chat.completions.create({ model: 'gpt-test', messages }),
    );
    assert_own_error(error, 502);
  });

  test('an upstream certificate of an unknown CA: 502, the reason only in the log', async () => {
    const logged = proxy.run.output.length;
    const error = await rejection(
      client_of('/untrusted/v1').chat.completions.create({ model: 'gpt-test', messages }),
    );
    assert_own_error(error, 502);
    assert.match(error.message, /TLS/);
    assert.doesNotMatch(error.message, /localhost|127\.0\.0\.1|\/CN=|certificate/i);
    const about = () => /certificate|trusted|verif/i.test(proxy.run.output.slice(logged));
    await poll(3_000, about, 'the log tells why the certificate was refused');
  });

  test('realtime WebSocket, behind a TLS front', async () => {
    const front = await start_tls_front(certificates, proxy.port);
    try {
      const base = new OpenAI({ baseURL: `${front.url}/v1`, apiKey: api_key });
      const options = { ca: certificates.ca };
      const realtime = new OpenAIRealtimeWS({ model: 'gpt-realtime', options }, base);
      let trouble = null;
      realtime.on('error', (error) => (trouble = error));
      const [created] = await next_event(realtime, 'session.created');
      assert.deepEqual(created.session, { model: 'gpt-realtime', key_in: 'header', protocol: '' });
      const deltas = [];
      realtime.on('response.output_text.delta', (event) => deltas.push(event.delta));
      realtime.send({ type: 'response.create' });
      await next_event(realtime, 'response.done');
      assert.deepEqual(deltas, answer_words);
      const [seen] = upstream.requests.filter((request) => request.path === '/v1/realtime');
      realtime.close({ code: 1000, reason: 'bye' });
      const closed = await within(5_000, seen.closed, 'the close frame at the upstream');
      assert.deepEqual(closed, { code: 1000, reason: 'bye' });
      assert.equal(trouble, null);
    } finally {
      await front.close();
    }
  });

  test('responses WebSocket', async () => {
    const socket = new ResponsesWS(client);
    const types = [];
    const done = new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('event', (event) => types.push(event.type));
      socket.on('response.completed', resolve);
    });
    socket.send({ type: 'response.create', model: 'gpt-test', input: 'Say it.' });
    const completed = await within(10_000, done, 'response.completed');
    assert.equal(completed.response.output[0].content[0].text, whole_answer);
    assert.equal(types.length, answer_words.length + 2);
    socket.close();
  });

  last_test('TERM ends the proxy with code 0, and no secret is in its logs', () =>
    stop_proxy(proxy, tally));
});

async function rejection(promise) {
  return promise.then(
    (value) => assert.fail(`should have failed, gave ${JSON.stringify(value)}`),
    (error) => error,
  );
}

async function assert_left_soon(seen, since) {
  const left = await within(5_000, seen.left, 'the upstream request is cancelled');
  assert.ok(left - since < cancel_ms_max, `cancelled after ${left - since} ms`);
}

function assert_own_error(error, status) {
  assert.ok(error instanceof OpenAI.InternalServerError, String(error));
  assert.equal(error.status, status);
  assert.ok(error.error?.message?.length > 10, `no message: ${JSON.stringify(error.error)}`);
  assert.deepEqual(Object.keys(error.error).sort(), ['code', 'message', 'param', 'type']);
  assert.ok(error.requestID, 'x-request-id');
  assert.ok(error.headers.get('retry-after') || error.headers.get('x-should-retry') === 'false');
  assert.equal(error.headers.get('access-control-allow-origin'), '*');
}

// URL parsers tidy a target; only bytes written by hand stay as they are.
async function raw_get(port, target) {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(`GET ${target} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const piece of socket.setEncoding('utf8')) text += piece;
  const [head, ...rest] = text.split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 200 /);
  return rest.join('\r\n\r\n');
}
