// The `ws` package through the proxy: after the 101 it is a tunnel for both sides' bytes, and each
// side learns how the other left.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, describe } from 'node:test';

import WebSocket from 'ws';

import {
  api_key, cancel_ms_max, free_port, in_turn, make_certificates, make_scratch, make_tests,
  next_event, poll, start_proxy, stop_proxy, upstream_yaml, within,
} from './harness.mjs';
import { noise, sha256, start_upstream } from './upstream.mjs';

const mib = 1024 * 1024;

describe('ws package', () => {
  const { tally, test, last_test } = make_tests();
  let upstream, proxy;

  before(async () => {
    const dir = make_scratch();
    const certificates = make_certificates(dir, ['DNS:localhost', 'IP:127.0.0.1']);
    upstream = await start_upstream(certificates);
    const yaml = [
      'workers: 2',
      'timeouts: { drain: 2s }',
      'upstreams:',
      upstream_yaml('openai', `https://127.0.0.1:${upstream.port}`, certificates),
      `  down: { url: "https://127.0.0.1:${await free_port()}" }`,
      'routes:',
      '  - { path: /, upstream: openai }',
      '  - { path: /plain, upstream: openai, websockets: false }',
      '  - { path: /down, upstream: down }',
      '',
    ];
    proxy = await start_proxy(dir, yaml.join('\n'));
  });

  after(async () => {
    await in_turn(
      () => stop_proxy(proxy, tally),
      () => upstream?.close(),
    );
  });

  // Resolves with an open socket; rejects with the answer of an upgrade that was declined.
  function open(target, { protocols = [], ...options } = {}) {
    const socket = new WebSocket(proxy.ws_url + target, protocols, options);
    const opened = new Promise((resolve, reject) => {
      socket.on('open', () => resolve(socket));
      socket.on('unexpected-response', (request, response) => reject(declined(response)));
      socket.on('error', reject);
    });
    return within(10_000, opened, `an open socket on ${target}`);
  }

  async function echoed(socket, bytes, options = {}) {
    const answer = next_event(socket, 'message');
    socket.send(bytes, options);
    return answer;
  }

  test('closed sockets leave no connection behind', async () => {
    const folder = `/proc/${proxy.run.child.pid}/fd`;
    const count = () => fs.readdirSync(folder).length;
    const before_count = count();
    const sockets = await Promise.all(Array.from({ length: 50 }, () => open('/ws/echo')));
    assert.ok(count() >= before_count + 50);
    const closed = sockets.map((socket) => next_event(socket, 'close'));
    for (const socket of sockets) socket.close();
    await Promise.all(closed);
    await poll(1_000, () => count() <= before_count + 5, 'the descriptors of closed sockets freed');
  });

  for (const perMessageDeflate of [{ threshold: 0 }, false]) {
    const kind = perMessageDeflate ? 'with permessage-deflate' : 'uncompressed';

    test(`text, binary and empty messages come back as they went, ${kind}`, async () => {
      const socket = await open('/ws/echo', { perMessageDeflate });
      assert.equal(socket.extensions.includes('permessage-deflate'), Boolean(perMessageDeflate));
      for (const [bytes, binary] of [['héllo 世界', false], [noise(1000), true], ['', false]]) {
        const [answer, answer_binary] = await echoed(socket, bytes, { binary });
        assert.deepEqual(answer, Buffer.from(bytes));
        assert.equal(answer_binary, binary);
      }
      socket.close();
    });

    test(`a message of 1 MiB, ${kind}`, async () => {
      const socket = await open('/ws/echo', { perMessageDeflate });
      const bytes = noise(1024 * 1024, '1 MiB');
      const [answer] = await echoed(socket, bytes);
      assert.equal(sha256(answer), sha256(bytes));
      socket.close();
    });

    test(`a fragmented message with a ping between its fragments, ${kind}`, async () => {
      const socket = await open('/ws/echo', { perMessageDeflate });
      const pieces = Array.from({ length: 50 }, (_, i) => noise(1 + i * 300, `fragment ${i}`));
      const answer = next_event(socket, 'message');
      const pong = next_event(socket, 'pong');
      for (const [i, piece] of pieces.entries()) {
        socket.send(piece, { fin: i === pieces.length - 1, binary: true });
        if (i === 10) socket.ping('between');
      }
      assert.equal((await pong)[0].toString(), 'between');
      assert.equal(sha256((await answer)[0]), sha256(Buffer.concat(pieces)));
      socket.close();
    });
  }

  test('16 MiB each way at once', async () => {
    const socket = await open('/ws/echo', { perMessageDeflate: false });
    const count = 256;
    const pieces = Array.from({ length: count }, (_, i) => noise(64 * 1024, `both ways ${i}`));
    let received = 0;
    const all = new Promise((resolve, reject) => {
      socket.on('message', (bytes) => {
        if (!bytes.equals(pieces[received])) reject(new Error(`message ${received} differs`));
        received += 1;
        if (received === count) resolve();
      });
    });
    for (const piece of pieces) socket.send(piece);
    await within(20_000, all, 'all messages back');
    socket.close();
  });

  test('a client that does not read holds the upstream back, then gets all of it', async () => {
    const before_kib = proxy.status_kib('VmRSS');
    const target = '/ws/flood?messages=2048&id=flood';
    const socket = await open(target, { perMessageDeflate: false });
    socket.pause();
    const [seen] = upstream.seen_with('flood');
    await until_steady(() => seen.socket.bufferedAmount);
    // What is missing at the upstream lies in four kernel buffers and in the proxy.
    assert.ok(seen.socket.bufferedAmount > 80 * mib, `${seen.socket.bufferedAmount} bytes left`);
    const held_kib = proxy.status_kib('VmRSS') - before_kib;
    proxy.assert_grown_at_most(8, held_kib, 'while the client did not read');
    let bytes = 0;
    socket.on('message', (message) => (bytes += message.length));
    const closed = next_event(socket, 'close');
    socket.resume();
    const [code, reason] = await closed;
    assert.deepEqual([code, reason.toString()], [1000, 'flooded']);
    assert.equal(bytes, 128 * mib);
  });

  test('an upstream that does not read holds the client back, then gets all of it', async () => {
    const before_kib = proxy.status_kib('VmRSS');
    const socket = await open('/ws/sink?id=sink', { perMessageDeflate: false });
    const [seen] = upstream.seen_with('sink');
    seen.socket.pause();
    const piece = noise(64 * 1024, 'sink');
    for (let i = 0; i < 2048; i += 1) socket.send(piece);
    await until_steady(() => socket.bufferedAmount);
    assert.ok(socket.bufferedAmount > 80 * mib, `${socket.bufferedAmount} bytes left`);
    const held_kib = proxy.status_kib('VmRSS') - before_kib;
    proxy.assert_grown_at_most(8, held_kib, 'while the upstream did not read');
    socket.close(1000, 'sent');
    seen.socket.resume();
    const closed = await within(20_000, seen.closed, 'the close frame at the upstream');
    assert.deepEqual(closed, { code: 1000, reason: 'sent' });
    assert.equal(seen.bytes, 128 * mib);
  });

  // Whoever still moves bytes has had the time of many round trips through the same proxy for it.
  async function until_steady(amount) {
    const socket = await open('/ws/echo');
    let last = -1;
    const rested = async () => {
      for (let i = 0; i < 50; i += 1) await echoed(socket, `turn ${i}`);
      const same = amount() === last;
      last = amount();
      return same;
    };
    await poll(15_000, rested, 'rest');
    socket.close();
  }

  test("the client's close code and reason reach the upstream", async () => {
    const socket = await open('/ws/echo?id=client-closes');
    const [seen] = upstream.seen_with('client-closes');
    const answer = next_event(socket, 'close');
    socket.close(4321, 'client had enough');
    const closed = await within(5_000, seen.closed, 'the close frame at the upstream');
    assert.deepEqual(closed, { code: 4321, reason: 'client had enough' });
    assert.equal((await answer)[0], 4321);
  });

  test("the upstream's close code and reason reach the client", async () => {
    const socket = new WebSocket(`${proxy.ws_url}/ws/close?code=4444&reason=session_expired`);
    const [code, reason] = await next_event(socket, 'close');
    assert.deepEqual([code, reason.toString()], [4444, 'session_expired']);
  });

  test('a client that vanishes is gone for the upstream at once', async () => {
    const socket = await open('/ws/echo?id=client-vanishes');
    const [seen] = upstream.seen_with('client-vanishes');
    const since = performance.now();
    socket.terminate();
    const left = await within(5_000, seen.left, 'the end of the upstream connection');
    assert.ok(left - since < cancel_ms_max, `after ${left - since} ms`);
    assert.equal((await seen.closed).code, 1006);
  });

  test('an upstream that vanishes is gone for the client at once', async () => {
    const socket = await open('/ws/terminate');
    const closed = next_event(socket, 'close');
    const since = performance.now();
    socket.send('go');
    assert.equal((await closed)[0], 1006);
    const took = performance.now() - since;
    assert.ok(took < cancel_ms_max, `after ${took} ms`);
  });

  test('a message in the packet of the 101 is not lost', async () => {
    for (let i = 0; i < 20; i += 1) {
      const socket = new WebSocket(`${proxy.ws_url}/ws/greet`);
      const [bytes] = await next_event(socket, 'message');
      assert.equal(bytes.toString(), 'with the 101');
      socket.close();
    }
  });

  test('the subprotocol is chosen by the upstream', async () => {
    const chosen = await open('/ws/echo', { protocols: ['unknown', 'chat'] });
    assert.equal(chosen.protocol, 'chat');
    chosen.close();
    const key_item = `openai-insecure-api-key.${api_key}`;
    const target = '/v1/realtime?model=gpt-realtime&id=by-subprotocol';
    const realtime = await open(target, { protocols: ['realtime', key_item] });
    assert.equal(realtime.protocol, 'realtime');
    const [seen] = upstream.seen_with('by-subprotocol');
    assert.equal(seen.headers['sec-websocket-protocol'].replace(/\s/g, ''), `realtime,${key_item}`);
    realtime.close();
  });

  test('an upgrade that the upstream declines is answered as HTTP', async () => {
    const refused = await rejection(open('/v1/realtime?model=gpt-realtime'));
    assert.equal(refused.status, 401);
    assert.equal((await refused.body).error.code, 'invalid_api_key');
    const unknown = await rejection(open('/ws/unknown'));
    assert.equal(unknown.status, 404);
    assert.equal(unknown.headers['x-request-id'], 'req_declined');
    assert.equal((await unknown.body).error.code, 'unknown_url');
  });

  test('a route without WebSockets answers 426, and HTTP goes on there', async () => {
    const refused = await rejection(open('/plain/v1/realtime?id=not-forwarded'));
    assert.equal(refused.status, 426);
    assert.ok((await refused.body).error.message.length > 10);
    assert.deepEqual(upstream.seen_with('not-forwarded'), []);
    const response = await fetch(`${proxy.url}/plain/echo`);
    assert.equal((await response.json()).url, '/plain/echo');
  });

  test('an upgrade for a dead upstream is answered 502', async () => {
    const refused = await rejection(open('/down/ws/echo'));
    assert.equal(refused.status, 502);
    assert.ok((await refused.body).error.message.length > 10);
  });

  test('HTTP goes on in a connection whose upgrade was declined', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const headers = { ...upgrade, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    const first = await get(`${proxy.url}/v1/realtime`, { agent, headers });
    assert.equal(first.status, 401);
    const second = await get(`${proxy.url}/echo`, { agent });
    assert.equal(second.status, 200);
    agent.destroy();
  });

  test('200 sockets at once', async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => open('/ws/echo')));
    const answers = await Promise.all(sockets.map((socket, i) => echoed(socket, `number ${i}`)));
    for (const [i, [bytes]] of answers.entries()) assert.equal(bytes.toString(), `number ${i}`);
    for (const socket of sockets) socket.close();
  });

  last_test('TERM ends the proxy with code 0, and no secret is in its logs', () =>
    stop_proxy(proxy, tally));
});

function declined(response) {
  const body = (async () => {
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += piece;
    return JSON.parse(text);
  })();
  return { status: response.statusCode, headers: response.headers, body };
}

function get(url, options) {
  const answer = new Promise((resolve, reject) => {
    const request = http.get(url, options, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode }));
    });
    request.on('error', reject);
  });
  return within(10_000, answer, `an answer of ${url}`);
}

async function rejection(promise) {
  return promise.then(
    () => assert.fail('should have been declined'),
    (reason) => {
      if (reason instanceof Error) throw reason;
      return reason;
    },
  );
}
