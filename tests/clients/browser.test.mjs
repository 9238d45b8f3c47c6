// Pages in a real Chromium, on another origin than the proxy: what CORS lets a page send and read,
// streams, WebSockets, and the SDK's own browser build straight from its package.

import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { start_browser, start_page_server } from './browser.mjs';
import {
  api_key, cancel_ms_max, free_port, in_turn, make_certificates, make_scratch, make_tests,
  start_proxy, start_tls_front, stop_proxy, upstream_yaml, within,
} from './harness.mjs';
import { answer_words, noise, sha256, speech, start_upstream } from './upstream.mjs';

const whole_answer = answer_words.join('');

describe('pages in Chromium', () => {
  const { tally, test, last_test } = make_tests();
  let upstream, proxy, strict_proxy, pages, page_port, browser, certificates;
  let page;
  const complaints = [];

  before(async () => {
    const dir = make_scratch();
    certificates = make_certificates(dir, ['DNS:localhost', 'IP:127.0.0.1']);
    upstream = await start_upstream(certificates);
    pages = await start_page_server();
    page_port = pages.address().port;
    const yaml = [
      'workers: 2',
      'timeouts: { drain: 2s }',
      'upstreams:',
      upstream_yaml('openai', `https://localhost:${upstream.port}`, certificates),
      `  down: { url: "https://127.0.0.1:${await free_port()}" }`,
      'routes:',
      '  - { path: /, upstream: openai }',
      '  - { path: /down, upstream: down }',
      '',
    ].join('\n');
    proxy = await start_proxy(dir, yaml);
    const origins = `"http://127.0.0.1:${page_port}", "http://*.example.test:${page_port}"`;
    strict_proxy = await start_proxy(dir, `${yaml}cors: { allow_origins: [${origins}] }\n`);
    browser = await start_browser();
    page = await open_page(`http://127.0.0.1:${page_port}/`);
  });

  after(async () => {
    await in_turn(
      () => browser?.close(),
      () => stop_proxy(strict_proxy, tally),
      () => stop_proxy(proxy, tally),
      () => pages?.stop(),
      () => upstream?.close(),
    );
  });

  async function open_page(url) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const opened = await context.newPage();
    opened.on('console', (message) => complaints.push(message.text()));
    await opened.exposeFunction('open_gate', (id) => upstream.gate(id).open());
    await opened.goto(url);
    return opened;
  }

  // Runs `body` in the page with what every call needs; what it returns comes back as JSON.
  const in_page = (body, extra = {}, where = page) =>
    where.evaluate(body, { proxy: proxy.url, ws: proxy.ws_url, key: api_key, ...extra });

  test('a call with Authorization: preflight here, answer and its headers readable', async () => {
    const answer = await in_page(async ({ proxy, key }) => {
      const response = await fetch(`${proxy}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'openai-organization': 'org-test',
          'x-test-id': 'from-page',
        },
        body: JSON.stringify({ model: 'gpt-test', messages: [] }),
      });
      const names = ['x-request-id', 'openai-processing-ms', 'x-ratelimit-remaining-requests'];
      const headers = Object.fromEntries(names.map((name) => [name, response.headers.get(name)]));
      return { status: response.status, headers, body: await response.json() };
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.choices[0].message.content, whole_answer);
    assert.match(answer.headers['x-request-id'], /^req_\d+$/);
    assert.equal(answer.headers['openai-processing-ms'], '12');
    assert.equal(answer.headers['x-ratelimit-remaining-requests'], '41');
    const [seen] = upstream.seen_with('from-page');
    assert.equal(seen.headers.authorization, `Bearer ${api_key}`);
    assert.equal(seen.headers['openai-organization'], 'org-test');
    const preflights = upstream.requests.filter((request) => request.method === 'OPTIONS');
    assert.deepEqual(preflights, []);
  });

  test('a second call needs no second preflight', async () => {
    const session = await page.context().newCDPSession(page);
    const methods = [];
    session.on('Network.requestWillBeSent', ({ request }) => methods.push(request.method));
    await session.send('Network.enable');
    await in_page(async ({ proxy, key }) => {
      for (let i = 0; i < 3; i += 1) {
        const headers = { authorization: `Bearer ${key}`, 'x-test-cached': 'yes' };
        await (await fetch(`${proxy}/v1/models/cached`, { headers })).json();
      }
    });
    await session.detach();
    assert.deepEqual(methods.sort(), ['GET', 'GET', 'GET', 'OPTIONS']);
  });

  for (const method of ['DELETE', 'PUT', 'PATCH']) {
    test(`${method} is allowed`, async () => {
      const seen = await in_page(
        async ({ proxy, key, method }) => {
          const headers = { authorization: `Bearer ${key}` };
          return (await fetch(`${proxy}/v1/files/file-9`, { method, headers })).json();
        },
        { method },
      );
      assert.equal(seen.method, method);
    });
  }

  // A quirk of the Worker that pages rely on: the page says which origin it wants to be allowed.
  test('a page may name its origin in Access-Control-Allow-Origin', async () => {
    const outcomes = await in_page(async ({ proxy }) => {
      const call = (origin) => {
        const headers = { 'access-control-allow-origin': origin };
        return fetch(`${proxy}/v1/models`, { headers }).then((r) => r.status, (e) => e.name);
      };
      return [await call(location.origin), await call('https://another.example')];
    });
    assert.deepEqual(outcomes, [200, 'TypeError']);
    complaints.length = 0; // The browser has told of the second.
  });

  test('a stream is read event by event, each before the next is made', async () => {
    const id = 'page-lockstep';
    upstream.gate(id).open();
    const text = await in_page(
      async ({ proxy, key, id }) => {
        const headers = { authorization: `Bearer ${key}`, 'x-test-id': id, 'x-test-gate': '1' };
        const body = JSON.stringify({ model: 'gpt-test', messages: [], stream: true });
        const url = `${proxy}/v1/chat/completions`;
        const response = await fetch(url, { method: 'POST', headers, body });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let whole = '';
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return whole;
          whole += value;
          if (whole.endsWith('\n\n')) await window.open_gate(id);
        }
      },
      { id },
    );
    const events = text.split('\n\n');
    assert.equal(events.at(-2), 'data: [DONE]');
    assert.equal(events.length, answer_words.length + 3);
  });

  test("the upstream's errors can be read", async () => {
    const errors = await in_page(async ({ proxy, key }) => {
      const call = async (model) => {
        const headers = { authorization: `Bearer ${key}` };
        const body = JSON.stringify({ model, messages: [] });
        const url = `${proxy}/v1/chat/completions`;
        const response = await fetch(url, { method: 'POST', headers, body });
        const retry_after = response.headers.get('retry-after');
        return { status: response.status, retry_after, code: (await response.json()).error.code };
      };
      return [await call('error-401'), await call('error-429')];
    });
    assert.deepEqual(errors, [
      { status: 401, retry_after: null, code: 'invalid_api_key' },
      { status: 429, retry_after: '7', code: 'rate_limit_exceeded' },
    ]);
  });

  test('our own error can be read, with its request id', async () => {
    const answer = await in_page(async ({ proxy, key }) => {
      const headers = { authorization: `Bearer ${key}` };
      const response = await fetch(`${proxy}/down/v1/models`, { headers });
      const request_id = response.headers.get('x-request-id');
      return { status: response.status, request_id, body: await response.json() };
    });
    assert.equal(answer.status, 502);
    assert.ok(answer.request_id);
    assert.ok(answer.body.error.message.length > 10);
  });

  test('an abort in the page is an abort upstream, at once', async () => {
    const id = 'page-abort';
    upstream.gate(id).open();
    const begin = in_page(
      async ({ proxy, id }) => {
        window.controller = new AbortController();
        const response = await fetch(`${proxy}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'x-test-id': id, 'x-test-gate': '1' },
          body: JSON.stringify({ model: 'gpt-test', messages: [], stream: true }),
          signal: window.controller.signal,
        });
        window.reader = response.body.getReader();
        return (await window.reader.read()).done;
      },
      { id },
    );
    const seen = await upstream.arrival(id);
    assert.equal(await within(5_000, begin, 'the page reads the first event'), false);
    // A step of its own: an abort that overtakes Chromium's next read of the socket makes it drain
    // the response for 5 s, for the connection's sake, before it closes.
    const aborted = await in_page(() => {
      const at = Date.now();
      window.controller.abort();
      return at;
    });
    const left = await within(5_000, seen.left, 'the upstream request is cancelled');
    // The page's clock and ours are one machine's, but of different origins.
    const took = performance.timeOrigin + left - aborted;
    assert.ok(took < cancel_ms_max, `cancelled after ${took} ms`);
  });

  test('a page that is closed leaves no upstream request behind', async () => {
    const id = 'page-closed';
    const closing = await open_page(`http://127.0.0.1:${page_port}/closing`);
    await in_page(
      ({ proxy, id }) => {
        const headers = { 'x-test-id': id, 'x-test-hang': '1' };
        const body = JSON.stringify({ model: 'gpt-test', messages: [] });
        fetch(`${proxy}/v1/chat/completions`, { method: 'POST', headers, body }).catch(() => {});
      },
      { id },
      closing,
    );
    const seen = await upstream.arrival(id);
    await closing.context().close();
    await within(5_000, seen.left, 'the upstream request is cancelled');
  });

  test('a WebSocket that carries its key as a subprotocol', async () => {
    const session = await in_page(
      ({ ws, key }) =>
        new Promise((resolve, reject) => {
          const protocols = ['realtime', `openai-insecure-api-key.${key}`];
          const socket = new WebSocket(`${ws}/v1/realtime?model=gpt-realtime`, protocols);
          const events = [];
          socket.onerror = () => reject(new Error('the WebSocket failed'));
          socket.onmessage = ({ data }) => {
            const event = JSON.parse(data);
            events.push(event.type);
            if (events.length === 1) {
              socket.session = event.session;
              socket.send(JSON.stringify({ type: 'response.create' }));
            }
            if (event.type === 'response.done') socket.close(3000, 'done');
          };
          socket.onclose = ({ code, wasClean }) =>
            resolve({ ...socket.session, chosen: socket.protocol, events, code, wasClean });
        }),
    );
    const deltas = answer_words.map(() => 'response.output_text.delta');
    assert.deepEqual(session, {
      model: 'gpt-realtime',
      key_in: 'subprotocol',
      protocol: 'realtime',
      chosen: 'realtime',
      events: ['session.created', ...deltas, 'response.done'],
      code: 3000,
      wasClean: true,
    });
  });

  test('the SDK in the page: chat, stream, models', async () => {
    const answer = await in_page(async ({ proxy, key }) => {
      const { default: OpenAI } = await import('/openai/index.mjs');
      const options = { baseURL: `${proxy}/v1`, apiKey: key, dangerouslyAllowBrowser: true };
      const client = new OpenAI(options);
      const body = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say it.' }] };
      const completion = await client.chat.completions.create(body);
      let streamed = '';
      for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
        streamed += chunk.choices[0].delta.content ?? '';
      }
      return {
        content: completion.choices[0].message.content,
        request_id: completion._request_id,
        streamed,
        models: (await client.models.list()).data.length,
      };
    });
    assert.equal(answer.content, whole_answer);
    assert.match(answer.request_id, /^req_\d+$/);
    assert.equal(answer.streamed, whole_answer);
    assert.equal(answer.models, 200);
  });

  test('the SDK in the page: a file up, audio down', async () => {
    const bytes = noise(2 * 1024 * 1024 + 5, 'page upload');
    const answer = await in_page(
      async ({ proxy, key, base64 }) => {
        const { default: OpenAI } = await import('/openai/index.mjs');
        const options = { baseURL: `${proxy}/v1`, apiKey: key, dangerouslyAllowBrowser: true };
        const client = new OpenAI(options);
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        const file = new File([bytes], '录音.wav', { type: 'audio/wav' });
        const up = await client.files.create({ file, purpose: 'user_data' });
        const down = await client.audio.speech.create({ model: 'tts', voice: 'a', input: 'Hi' });
        const digest = await crypto.subtle.digest('SHA-256', await down.arrayBuffer());
        const hex = [...new Uint8Array(digest)].map((n) => n.toString(16).padStart(2, '0'));
        return { up, down: hex.join('') };
      },
      { base64: bytes.toString('base64') },
    );
    assert.equal(answer.up.sha256, sha256(bytes));
    assert.equal(answer.up.bytes, bytes.length);
    assert.equal(answer.down, sha256(speech));
  });

  test('the SDK in the page raises the right errors', async () => {
    const errors = await in_page(async ({ proxy, key }) => {
      const { default: OpenAI } = await import('/openai/index.mjs');
      const call = async (base_path, model) => {
        const options = { baseURL: proxy + base_path, apiKey: key, maxRetries: 0 };
        const client = new OpenAI({ ...options, dangerouslyAllowBrowser: true });
        const error = await client.chat.completions
          .create({ model, messages: [] })
          .then(() => null, (reason) => reason);
        const kinds = ['AuthenticationError', 'RateLimitError', 'InternalServerError'];
        const kind = kinds.find((name) => error instanceof OpenAI[name]);
        return { kind, status: error?.status, named: Boolean(error?.requestID) };
      };
      return [
        await call('/v1', 'error-401'),
        await call('/v1', 'error-429'),
        await call('/down/v1', 'gpt-test'),
      ];
    });
    assert.deepEqual(errors, [
      { kind: 'AuthenticationError', status: 401, named: true },
      { kind: 'RateLimitError', status: 429, named: true },
      { kind: 'InternalServerError', status: 502, named: true },
    ]);
  });

  test("the SDK's realtime WebSocket in the page, behind a TLS front", async () => {
    const front = await start_tls_front(certificates, proxy.port);
    try {
      const deltas = await in_page(
        async ({ front, key }) => {
          const { default: OpenAI } = await import('/openai/index.mjs');
          const { OpenAIRealtimeWebSocket } = await import('/openai/realtime/websocket.mjs');
          const options = { baseURL: `${front}/v1`, apiKey: key, dangerouslyAllowBrowser: true };
          const realtime = new OpenAIRealtimeWebSocket({ model: 'rt' }, new OpenAI(options));
          const words = [];
          return new Promise((resolve, reject) => {
            realtime.on('error', (error) => reject(error));
            realtime.on('session.created', () => realtime.send({ type: 'response.create' }));
            realtime.on('response.output_text.delta', (event) => words.push(event.delta));
            realtime.on('response.done', () => resolve(words));
          });
        },
        { front: front.url },
      );
      assert.deepEqual(deltas, answer_words);
    } finally {
      await front.close();
    }
  });

  test('nothing so far was refused by CORS', () => {
    const refused = complaints.filter((text) => /CORS|Access-Control/i.test(text));
    assert.deepEqual(refused, []);
  });

  for (const [host, allowed] of [
    ['127.0.0.1', true], ['app.example.test', true], ['localhost', false],
  ]) {
    const verdict = allowed ? 'may call' : 'may not call';
    test(`with an allow-list a page on ${host} ${verdict}`, async () => {
      const asking = await open_page(`http://${host}:${page_port}/`);
      const outcome = await in_page(
        async ({ strict, key }) => {
          const call = async (target) => {
            const headers = { authorization: `Bearer ${key}` };
            const response = await fetch(strict + target, { headers });
            return response.status;
          };
          const refused = (error) => error.name;
          return [
            await call('/v1/models').catch(refused),
            await call('/down/v1/models').catch(refused),
            await fetch(`${strict}/v1/models`).then((response) => response.status, refused),
          ];
        },
        { strict: strict_proxy.url },
        asking,
      );
      const expected = allowed ? [200, 502, 200] : ['TypeError', 'TypeError', 'TypeError'];
      assert.deepEqual(outcome, expected, complaints.join('\n'));
      await asking.context().close();
    });
  }

  last_test('TERM ends both proxies with code 0, and no secret is in their logs', async () => {
    await browser.close();
    await stop_proxy(strict_proxy, tally);
    await stop_proxy(proxy, tally);
  });
});
