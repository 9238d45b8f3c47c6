// Keys on the server and tokens for clients, with the programs that people use: what an SDK, a
// WebSocket and a page show is a token of the proxy's, and the upstream sees the server's key only.
// All bytes that go to the clients and to the upstream are watched for what must not be in them.

import assert from 'node:assert/strict';
import * as buffer from 'node:buffer';
import crypto from 'node:crypto';
import path from 'node:path';
import { after, before, describe } from 'node:test';

import OpenAI, { toFile } from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { ResponsesWS } from 'openai/resources/responses/ws';
import WebSocket from 'ws';

import { start_browser, start_page_server } from './browser.mjs';
import {
  add_secret, api_key, assert_no_secret, in_turn, make_certificates, make_scratch, make_tests,
  make_watch, next_event, start_proxy, start_tap, start_tls_front, stop_proxy, upstream_yaml,
  within,
} from './harness.mjs';
import { answer_words, noise, sha256, start_upstream } from './upstream.mjs';

globalThis.File ??= buffer.File; // Node 18 has it, but not as a global, where the SDK looks.

const messages = [{ role: 'user', content: 'Say it.' }];
const whole_answer = answer_words.join('');

// A token for each client, and one that nobody has.
const names = ['alice', 'paced', 'narrow', 'page', 'open', 'nobody'];
const tokens = Object.fromEntries(
  names.map((name) => [name, add_secret(`oap-${name}${crypto.randomBytes(20).toString('hex')}`)]),
);
const digest = crypto.createHash('sha256').update(tokens.alice).digest('hex');

describe('clients with tokens, keys on the server', () => {
  const { tally, test, last_test } = make_tests();
  const to_upstream = make_watch('what was sent to the upstream', Object.values(tokens));
  const to_clients = make_watch('what was sent to clients', [api_key, ...Object.values(tokens)]);
  let certificates, upstream, proxy, tap, front, pages, browser, page;

  const client_of = (name, options = {}) =>
    new OpenAI({
      baseURL: `http://127.0.0.1:${tap.port}/v1`,
      apiKey: tokens[name],
      maxRetries: 0,
      ...options,
    });

  before(async () => {
    const dir = make_scratch();
    certificates = make_certificates(dir, ['DNS:localhost', 'IP:127.0.0.1']);
    upstream = await start_upstream(certificates, { on_bytes: to_upstream });
    pages = await start_page_server();
    const yaml = [
      'workers: 2',
      'timeouts: { drain: 2s }',
      `state: { file: ${path.join(dir, 'state.db')} }`,
      'log: { level: debug }',
      'upstreams:',
      upstream_yaml('openai', `https://localhost:${upstream.port}`, certificates,
        `    keys: [${api_key}]\n`),
      'usage: { force: true }',
      'clients:',
      `  alice: { token_sha256: ${digest}, limits: [{ tokens: 10M, per: day }],`,
      '    models: ["gpt-*", "whisper-*", "error-*"] }',
      `  paced: { token: ${tokens.paced}, rpm_limit: 60 }`,
      `  open: { token: ${tokens.open} }`,
      `  narrow: { token: ${tokens.narrow}, max_request: { output_tokens: 100 }, max_budget: 5 }`,
      `  page: { token: ${tokens.page}, origins: ["http://127.0.0.1:${pages.address().port}"] }`,
      '',
    ];
    proxy = await start_proxy(dir, yaml.join('\n'));
    tap = await start_tap(proxy.port, to_clients);
    front = await start_tls_front(certificates, tap.port);
    browser = await start_browser();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${pages.address().port}/`);
  });

  after(async () => {
    await in_turn(
      () => browser?.close(),
      () => front?.close(),
      () => tap?.close(),
      () => stop_proxy(proxy, tally),
      () => pages?.stop(),
      () => upstream?.close(),
    );
  });

  // Every request that reached the upstream so far has the server's key, in one place.
  function assert_only_our_key() {
    assert.ok(upstream.requests.length > 0);
    for (const { headers, url } of upstream.requests) {
      assert.equal(headers.authorization, `Bearer ${api_key}`, url);
      const others = { ...headers, authorization: '' };
      assert_no_secret('the rest of a request', url + JSON.stringify(others));
    }
  }

  async function me(name) {
    const response = await fetch(`http://127.0.0.1:${tap.port}/_proxy/me`, {
      headers: { authorization: `Bearer ${tokens[name]}` },
    });
    assert.equal(response.status, 200);
    return response.json();
  }

  test('chat, whole and as a stream, without the chunk of usage that nobody asked for', async () => {
    const client = client_of('alice');
    const completion = await client.chat.completions.create({ model: 'gpt-test', messages });
    assert.equal(completion.choices[0].message.content, whole_answer);
    let text = '';
    const body = { model: 'gpt-test', messages, stream: true };
    for await (const chunk of await client.chat.completions.create(body)) {
      assert.equal(chunk.choices.length, 1);
      text += chunk.choices[0].delta.content ?? '';
    }
    assert.equal(text, whole_answer);
    assert_only_our_key();
  });

  test('responses as a stream', async () => {
    const types = [];
    const body = { model: 'gpt-test', input: 'Say it.', stream: true };
    for await (const event of await client_of('alice').responses.create(body)) {
      types.push(event.type);
    }
    assert.equal(types.at(-1), 'response.completed');
    assert_only_our_key();
  });

  test('uploads: a file, and audio whose model is a part of the form', async () => {
    const client = client_of('alice');
    const bytes = noise(3 * 1024 * 1024 + 3, 'gateway');
    const file = await client.files.create({
      file: await toFile(bytes, 'training.jsonl'), purpose: 'fine-tune',
    });
    assert.equal(file.sha256, sha256(bytes));
    const clip = noise(300_000, 'clip');
    const form = { file: await toFile(clip, 'clip.wav'), model: 'whisper-1' };
    assert.equal((await client.audio.transcriptions.create(form)).text, sha256(clip));
    const other = { file: await toFile(clip, 'clip.wav'), model: 'other-1' };
    const error = await rejection(client.audio.transcriptions.create(other));
    assert.ok(error instanceof OpenAI.PermissionDeniedError, String(error));
    assert_only_our_key();
  });

  test('realtime: the token in the header', async () => {
    const base = client_of('alice', { baseURL: `${front.url}/v1` });
    const options = { ca: certificates.ca };
    const realtime = new OpenAIRealtimeWS({ model: 'gpt-realtime', options }, base);
    const [{ session }] = await next_event(realtime, 'session.created');
    assert.deepEqual(session, { model: 'gpt-realtime', key_in: 'header', protocol: '' });
    realtime.send({ type: 'response.create' });
    await next_event(realtime, 'response.done');
    realtime.close();
    assert_only_our_key();
  });

  test('realtime: the token as a subprotocol', async () => {
    const protocols = ['realtime', `openai-insecure-api-key.${tokens.alice}`];
    const url = `ws://127.0.0.1:${tap.port}/v1/realtime?model=gpt-realtime`;
    const socket = new WebSocket(url, protocols);
    const [text] = await next_event(socket, 'message');
    assert.equal(socket.protocol, 'realtime');
    const { session } = JSON.parse(text);
    assert.deepEqual(session, { model: 'gpt-realtime', key_in: 'header', protocol: 'realtime' });
    socket.close();
    assert_only_our_key();
  });

  // Its messages name the model, so a client that may use some only is refused.
  test('responses over a WebSocket', async () => {
    const socket = new ResponsesWS(client_of('open'));
    const done = new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('response.completed', resolve);
    });
    socket.send({ type: 'response.create', model: 'gpt-test', input: 'Say it.' });
    await within(10_000, done, 'response.completed');
    socket.close();
    assert_only_our_key();
  });

  test('a page: fetch with a preflight, and a WebSocket with the token as a subprotocol', async () => {
    const where = { port: tap.port, token: tokens.page };
    const answer = await page.evaluate(async ({ port, token }) => {
      const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-test', messages: [], stream: true }),
      });
      return { status: response.status, text: await response.text() };
    }, where);
    assert.equal(answer.status, 200);
    assert.match(answer.text, /\[DONE\]/);
    const session = await page.evaluate(
      ({ port, token }) =>
        new Promise((resolve, reject) => {
          const protocols = ['realtime', `openai-insecure-api-key.${token}`];
          const url = `ws://127.0.0.1:${port}/v1/realtime?model=gpt-realtime`;
          const socket = new WebSocket(url, protocols);
          socket.onerror = () => reject(new Error('the WebSocket failed'));
          socket.onmessage = ({ data }) => {
            socket.close();
            resolve(JSON.parse(data).session);
          };
        }),
      where,
    );
    assert.deepEqual(session, { model: 'gpt-realtime', key_in: 'header', protocol: 'realtime' });
    const refused = await page.evaluate(async ({ port }) => {
      const headers = { authorization: 'Bearer oap-wrong' };
      const response = await fetch(`http://127.0.0.1:${port}/v1/models`, { headers });
      return { status: response.status, code: (await response.json()).error.code };
    }, where);
    assert.deepEqual(refused, { status: 401, code: 'invalid_api_key' });
    assert_only_our_key();
  });

  test('a wrong token raises AuthenticationError, also where the upstream would take it', async () => {
    for (const apiKey of [tokens.nobody, api_key]) {
      const error = await rejection(client_of('alice', { apiKey }).models.list());
      assert.ok(error instanceof OpenAI.AuthenticationError, String(error));
      assert.equal(error.code, 'invalid_api_key');
    }
    const url = `ws://127.0.0.1:${tap.port}/v1/realtime?model=gpt-realtime`;
    const socket = new WebSocket(url, ['realtime', `openai-insecure-api-key.${tokens.nobody}`]);
    socket.on('error', () => {});
    const [, response] = await next_event(socket, 'unexpected-response');
    assert.equal(response.statusCode, 401);
    response.destroy();
  });

  test('a limit raises RateLimitError, and the SDK comes again when it was told to', async () => {
    const ask = (options) =>
      client_of('paced').models.list({ headers: { 'x-test-id': 'paced' }, ...options });
    const first = await Promise.allSettled(Array.from({ length: 62 }, () => ask({})));
    const refused = first.filter(({ status }) => status === 'rejected');
    assert.ok(refused.length > 0, 'a minute full at once, and not one more');
    const { reason } = refused.at(-1);
    assert.ok(reason instanceof OpenAI.RateLimitError, String(reason));
    assert.equal(reason.code, 'rate_limit_exceeded');
    assert.equal(reason.headers.get('x-ratelimit-limit-requests'), '60');
    const again = await rejection(ask({}));
    const told_ms = Number(again.headers.get('retry-after-ms'));
    assert.ok(told_ms > 0 && told_ms <= 1000, `retry-after-ms: ${told_ms}`);
    const begun = performance.now();
    const seen_before = upstream.seen_with('paced').length;
    await ask({ maxRetries: 1 });
    // A millisecond for the clocks' rounding, and what passed since it was told.
    assert.ok(performance.now() - begun >= told_ms - 200, 'came too early');
    assert.equal(upstream.seen_with('paced').length, seen_before + 1);
  });

  test('a model that is not allowed raises PermissionDeniedError', async () => {
    const error = await rejection(
      client_of('alice').chat.completions.create({ model: 'o9-pro', messages }),
    );
    assert.ok(error instanceof OpenAI.PermissionDeniedError, String(error));
    assert.equal(error.code, 'permission_denied');
  });

  test('more than max_request raises BadRequestError', async () => {
    const body = { model: 'gpt-5-mini', messages, max_completion_tokens: 101 };
    const error = await rejection(client_of('narrow').chat.completions.create(body));
    assert.ok(error instanceof OpenAI.BadRequestError, String(error));
    assert.equal(error.code, 'context_length_exceeded');
  });

  test("an upstream's error that tells our key does not tell it to the client", async () => {
    const error = await rejection(
      client_of('alice').chat.completions.create({ model: 'error-echo', messages }),
    );
    assert.ok(error instanceof OpenAI.AuthenticationError, String(error));
    assert.match(error.message, /Incorrect API key provided: Bearer \*+/);
    assert.match(error.headers.get('x-told'), /\*$|\*\.$/);
  });

  test('what was used, and what it may cost, is for the client to see', async () => {
    const { limits } = await me('alice');
    const tokens_used = limits.find(({ name }) => name === 'tokens/day');
    assert.ok(tokens_used.used > 0, JSON.stringify(limits));
    await client_of('narrow').chat.completions.create({
      model: 'gpt-5-mini', messages, max_completion_tokens: 100,
    });
    const budget = (await me('narrow')).limits.find(({ name }) => name === 'max_budget');
    assert.ok(Number(budget.used) > 0, JSON.stringify(budget));
  });

  last_test('no secret in what was sent, printed, logged, served or stored', async () => {
    await in_turn(
      () => stop_proxy(proxy, tally),
      () => to_upstream.assert_none(),
      () => to_clients.assert_none(),
      () => assert.ok(proxy.files().some((file) => file.endsWith('state.db')), 'no state stored'),
    );
  });
});

describe('the watch for secrets', () => {
  const { test } = make_tests();

  test('finds one however it is cut, and says which, not what', () => {
    for (const length of [1, 2, 7, 100]) {
      const watch = make_watch('a planted stream', [tokens.nobody, tokens.alice]);
      const see = watch();
      const bytes = Buffer.from(`before ${tokens.alice} after`);
      for (let at = 0; at < bytes.length; at += length) see(bytes.subarray(at, at + length));
      assert.throws(() => watch.assert_none(), ({ message }) => !message.includes(tokens.alice));
    }
    assert.throws(() => assert_no_secret('a planted text', `x${tokens.page}x`));
    assert.throws(() => assert_no_secret('planted bytes', Buffer.from(`x${api_key}x`)));
  });
});

async function rejection(promise) {
  return promise.then(
    (value) => assert.fail(`should have failed, gave ${JSON.stringify(value)}`),
    (error) => error,
  );
}
