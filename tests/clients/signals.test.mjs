// Signals while the openai SDK works: a reload, a drain and a reopened log lose no request.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe } from 'node:test';

import OpenAI from 'openai';

import {
  accepts, api_key, free_port, make_certificates, make_scratch, make_tests, poll, print_output,
  start_proxy, stop_proxy, upstream_yaml, within,
} from './harness.mjs';
import { answer_words, start_upstream } from './upstream.mjs';

const whole_answer = answer_words.join('');
const body = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say it.' }] };

describe('signals', () => {
  const { test } = make_tests();
  let dir, certificates, upstream, down_port;

  before(async () => {
    dir = make_scratch();
    certificates = make_certificates(dir, ['DNS:localhost', 'IP:127.0.0.1']);
    upstream = await start_upstream(certificates);
    down_port = await free_port();
  });

  after(async () => {
    await upstream?.close();
  });

  const yaml_with = ({ routes = '', drain = '10s', access = 'stdout' } = {}) =>
    [
      'workers: 2',
      `timeouts: { drain: ${drain} }`,
      `log: { access: ${access} }`,
      'upstreams:',
      upstream_yaml('openai', `https://127.0.0.1:${upstream.port}`, certificates),
      `  down: { url: "https://127.0.0.1:${down_port}" }`,
      'routes:',
      '  - { path: /, upstream: openai }',
      routes,
      '',
    ].join('\n');

  const client_of = (proxy) =>
    new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: api_key, maxRetries: 0 });

  // Streams that have had their first event and wait for `go` before the second.
  async function start_streams(proxy, name, count) {
    const ids = Array.from({ length: count }, (_, i) => `${name}-${i}`);
    const started = ids.map(async (id) => {
      upstream.gate(id).open();
      const headers = { 'x-test-id': id, 'x-test-gate': '1' };
      const stream = await client_of(proxy).chat.completions.create(
        { ...body, stream: true },
        { headers },
      );
      const events = stream[Symbol.asyncIterator]();
      const { value } = await events.next();
      return { events, text: value.choices[0].delta.content };
    });
    const streams = await Promise.all(started);
    const finish = async ({ events, text }) => {
      for (;;) {
        const { done, value } = await events.next();
        if (done) return text;
        text += value.choices[0].delta.content ?? '';
      }
    };
    return {
      go: () => ids.forEach((id) => upstream.gate(id).open(answer_words.length + 2)),
      texts: () => Promise.all(streams.map(finish)),
    };
  }

  // Runs `use` with a proxy of its own, which is stopped as every proxy is.
  async function with_proxy(options, use) {
    const proxy = await start_proxy(dir, yaml_with(options));
    try {
      await use(proxy);
    } catch (error) {
      print_output(proxy);
      proxy.run.child.kill('SIGKILL');
      throw error;
    }
    if (proxy.run.exit === null) await stop_proxy(proxy, { begun: 0, passed: 0 });
  }

  test('HUP: new requests go by the new file, streams end on the old one', () =>
    with_proxy({}, async (proxy) => {
      const streams = await start_streams(proxy, 'reload', 10);
      proxy.write_config(yaml_with({ routes: '  - { path: /v1/models, upstream: down }' }));
      proxy.run.child.kill('SIGHUP');
      const status = async () => (await fetch(`${proxy.url}/v1/models`)).status;
      await poll(5_000, async () => (await status()) === 502, 'the new route answers');
      streams.go();
      for (const text of await streams.texts()) assert.equal(text, whole_answer);
    }));

  test('HUP with a bad file changes nothing and says where it is bad', () =>
    with_proxy({}, async (proxy) => {
      const logged = proxy.run.output.length;
      proxy.write_config(`${yaml_with()}timeuots: { drain: 1s }\n`);
      proxy.run.child.kill('SIGHUP');
      const about = () => /\.yaml:\d+:\d+: .*timeuots/.test(proxy.run.output.slice(logged));
      await poll(5_000, about, 'the log tells file:line:column and the key');
      const completion = await client_of(proxy).chat.completions.create(body);
      assert.equal(completion.choices[0].message.content, whole_answer);
    }));

  test('20 HUPs under load lose no request', () =>
    with_proxy({}, async (proxy) => {
      let loading = true;
      let served = 0;
      const loops = Array.from({ length: 16 }, async () => {
        const client = client_of(proxy);
        while (loading) {
          const completion = await client.chat.completions.create(body);
          assert.equal(completion.choices[0].message.content, whole_answer);
          served += 1;
        }
      });
      const all = Promise.all(loops);
      for (let i = 0; i < 20; i += 1) {
        const goal = served + 20;
        proxy.run.child.kill('SIGHUP');
        await Promise.race([all, poll(5_000, () => served >= goal, `request ${goal} served`)]);
      }
      loading = false;
      await all;
      assert.ok(served >= 400);
    }));

  test('TERM: no new connection, running streams end whole, then exit code 0', () =>
    with_proxy({}, async (proxy) => {
      const streams = await start_streams(proxy, 'drain', 10);
      proxy.run.child.kill('SIGTERM');
      await poll(5_000, async () => !(await accepts(proxy.port)), 'a refused connection');
      assert.equal(proxy.run.exit, null);
      streams.go();
      for (const text of await streams.texts()) assert.equal(text, whole_answer);
      const exit = await within(5_000, proxy.run.exited, 'the end of the proxy');
      assert.deepEqual(exit, { code: 0, signal: null });
    }));

  test('TERM: a stream past the drain time is cut, with no clean end', () =>
    with_proxy({ drain: '300ms' }, async (proxy) => {
      const streams = await start_streams(proxy, 'overdue', 3);
      proxy.run.child.kill('SIGTERM');
      const texts = streams.texts();
      await assert.rejects(within(5_000, texts, 'the end of the streams'), /terminated|network/i);
      const exit = await within(5_000, proxy.run.exited, 'the end of the proxy');
      assert.deepEqual(exit, { code: 0, signal: null });
    }));

  test('a second TERM ends it at once', () =>
    with_proxy({ drain: '1h' }, async (proxy) => {
      const streams = await start_streams(proxy, 'second-term', 3);
      proxy.run.child.kill('SIGTERM');
      await poll(5_000, async () => !(await accepts(proxy.port)), 'a refused connection');
      proxy.run.child.kill('SIGTERM');
      await within(2_000, proxy.run.exited, 'the end of the proxy');
      await assert.rejects(streams.texts());
    }));

  test('USR1 reopens the access log, whose lines are JSON and hold no secret', async () => {
    const file = path.join(dir, 'access.log');
    await with_proxy({ access: file }, async (proxy) => {
      const client = client_of(proxy);
      const has_line = (name) => () => fs.existsSync(name) && /\n$/.test(fs.readFileSync(name));
      await client.chat.completions.create(body);
      await poll(5_000, has_line(file), 'a line in the first log');
      fs.renameSync(file, `${file}.1`);
      proxy.run.child.kill('SIGUSR1');
      await poll(5_000, () => fs.existsSync(file), 'a new log file');
      await client.get('/echo?api_key=hidden-in-query');
      await poll(5_000, has_line(file), 'a line in the second log');
    });
    const text = fs.readFileSync(`${file}.1`, 'utf8') + fs.readFileSync(file, 'utf8');
    const lines = text.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map((line) => line.status), [200, 200]);
    assert.deepEqual(lines.map((line) => line.method), ['POST', 'GET']);
    assert.doesNotMatch(text, new RegExp(`${api_key}|hidden-in-query`));
  });
});
