// nginx as the upstream, over TLS: another server's idea of HTTP and OpenSSL's of TLS. Large bodies
// arrive whole, connections and TLS sessions are used again, encoded content is left alone.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { after, before, describe } from 'node:test';

import {
  free_port, in_turn, make_certificates, make_scratch, make_tests, pause, poll, start_child,
  start_proxy, stop_proxy, until_listening, upstream_yaml, within,
} from './harness.mjs';
import { noise, sha256 } from './upstream.mjs';

const big_bytes = 64 * 1024 * 1024;
const mib = 1024 * 1024;

function nginx_config(dir, certificates, ports) {
  // What is said here is all nginx does: no path of the system's own, no daemon, no root needed.
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${dir}/temp_${kind};`)
    .join(' ');
  const server = (port, protocol) => `
    server {
      listen 127.0.0.1:${port} ssl;
      ssl_protocols ${protocol};
      ssl_certificate ${certificates.cert_file};
      ssl_certificate_key ${certificates.key_file};
      root ${dir}/files;
      keepalive_requests 100000;
      absolute_redirect off;
      rewrite ^/older(/.*)$ $1;
      location /once/ { alias ${dir}/files/; keepalive_timeout 0; }
      location /zipped/ { alias ${dir}/files/; gzip on; gzip_min_length 1; gzip_types *; }
      location /uploads/ { dav_methods PUT DELETE; client_max_body_size 0; }
      location = /moved { return 308 /hello.txt?from=moved; }
    }`;
  return `
worker_processes 1;
daemon off;
master_process off;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log warn;
events { worker_connections 1024; }
http {
  ${temp}
  log_format facts '$request_uri $status $connection $ssl_protocol $ssl_session_reused '
                   '$ssl_server_name';
  access_log ${dir}/access.log facts;
  default_type application/octet-stream;
  types { text/plain txt; }
  ${server(ports.tls13, 'TLSv1.3')}
  ${server(ports.tls12, 'TLSv1.2')}
}
`;
}

describe('nginx as a TLS upstream', () => {
  const { tally, test, last_test } = make_tests({ timeout_ms: 60_000 });
  let dir, certificates, nginx, ports, proxy;
  const big = noise(big_bytes, 'big file');

  before(async () => {
    dir = make_scratch();
    // nginx drops to another user when it is started as root.
    fs.chmodSync(dir, 0o755);
    certificates = make_certificates(dir, ['DNS:files.upstream.test', 'IP:127.0.0.1']);
    for (const folder of ['files', 'files/uploads']) {
      fs.mkdirSync(path.join(dir, folder));
      fs.chmodSync(path.join(dir, folder), 0o777);
    }
    fs.writeFileSync(path.join(dir, 'files/big'), big);
    fs.writeFileSync(path.join(dir, 'files/hello.txt'), 'hello from nginx\n'.repeat(1000));
    ports = { tls13: await free_port(), tls12: await free_port() };
    const config = path.join(dir, 'nginx.conf');
    fs.writeFileSync(config, nginx_config(dir, certificates, ports));
    const binary = process.env.NGINX ?? '/usr/sbin/nginx';
    nginx = start_child(binary, ['-p', dir, '-e', `${dir}/error.log`, '-c', config]);
    await until_listening(nginx, ports.tls13);
    const named = '    host: files.upstream.test\n';
    const yaml = [
      'workers: 2',
      'timeouts: { drain: 2s }',
      'upstreams:',
      upstream_yaml('openai', `https://127.0.0.1:${ports.tls13}`, certificates, named),
      upstream_yaml('older', `https://127.0.0.1:${ports.tls12}`, certificates, named),
      'routes:',
      '  - { path: /, upstream: openai }',
      '  - { path: /older, upstream: older }',
      '',
    ];
    proxy = await start_proxy(dir, yaml.join('\n'));
  });

  after(async () => {
    await in_turn(
      () => stop_proxy(proxy, tally),
      () => nginx?.child.kill('SIGTERM'),
      () => nginx && within(5_000, nginx.exited, 'the end of nginx'),
    );
  });

  // nginx writes a line when the request is over for it, which may be after the client has it all.
  async function log_lines(target, count) {
    const lines = () =>
      fs
        .readFileSync(path.join(dir, 'access.log'), 'utf8')
        .split('\n')
        .map((line) => line.split(' '))
        .filter(([logged]) => logged === target)
        .map(([, status, connection, protocol, reused, name]) =>
          ({ status, connection, protocol, reused, name }));
    const enough = () => {
      const found = lines();
      return found.length >= count && found;
    };
    return poll(5_000, enough, `${count} lines of ${target} in the log of nginx`);
  }

  test('64 MiB come through intact, and are not held in memory', async () => {
    const before_kib = proxy.status_kib('VmRSS');
    const answer = await call(proxy.url, '/big');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-length'], String(big_bytes));
    assert.equal(sha256(answer.body), sha256(big));
    const grown_kib = proxy.status_kib('VmHWM') - before_kib;
    proxy.assert_grown_at_most(16, grown_kib, 'while 64 MiB passed');
  });

  test('64 MiB over TLS 1.2', async () => {
    const answer = await call(proxy.url, '/older/big');
    assert.equal(sha256(answer.body), sha256(big));
    const [line] = await log_lines('/older/big', 1);
    assert.deepEqual([line.protocol, line.name], ['TLSv1.2', 'files.upstream.test']);
  });

  test('64 MiB to a client that reads slowly', async () => {
    const before_kib = proxy.status_kib('VmRSS');
    const answer = await call(proxy.url, '/big', { stall_ms: 2 });
    assert.equal(sha256(answer.body), sha256(big));
    const grown_kib = proxy.status_kib('VmHWM') - before_kib;
    proxy.assert_grown_at_most(16, grown_kib, 'while 64 MiB passed');
  });

  test('64 MiB up, with a length and chunked', async () => {
    for (const [name, headers] of [
      ['length', { 'content-length': big_bytes }],
      ['chunked', { 'transfer-encoding': 'chunked' }],
    ]) {
      const target = `/uploads/${name}`;
      const answer = await call(proxy.url, target, { method: 'PUT', headers, body: big });
      assert.equal(answer.status, 201, answer.body.toString());
      assert.equal(sha256(fs.readFileSync(path.join(dir, 'files', target))), sha256(big));
    }
  });

  test('a range, a HEAD, a 304', async () => {
    const part = await call(proxy.url, '/big', { headers: { range: 'bytes=1048576-3145727' } });
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], `bytes 1048576-3145727/${big_bytes}`);
    assert.deepEqual(part.body, Buffer.from(big.subarray(mib, 3 * mib)));
    const head = await call(proxy.url, '/big', { method: 'HEAD' });
    assert.equal(head.headers['content-length'], String(big_bytes));
    assert.equal(head.body.length, 0);
    const headers = { 'if-none-match': head.headers.etag };
    const same = await call(proxy.url, '/big', { headers });
    assert.equal(same.status, 304);
    assert.equal(same.headers.etag, head.headers.etag);
  });

  test('gzip content passes as it is', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    const direct = await call(`https://127.0.0.1:${ports.tls13}`, '/zipped/hello.txt', {
      headers,
      ca: certificates.ca,
    });
    const passed = await call(proxy.url, '/zipped/hello.txt', { headers });
    assert.equal(direct.headers['content-encoding'], 'gzip');
    assert.equal(passed.headers['content-encoding'], 'gzip');
    assert.equal(passed.headers.vary, direct.headers.vary);
    assert.deepEqual(passed.body, direct.body);
  });

  test('a redirect is followed, as its status says', async () => {
    const answer = await call(proxy.url, '/moved');
    assert.equal(answer.status, 200);
    assert.match(answer.body.toString(), /^hello from nginx/);
    await log_lines('/hello.txt?from=moved', 1);
  });

  test('one client connection: one upstream connection for 200 requests', async () => {
    fs.writeFileSync(path.join(dir, 'files/reuse.txt'), 'again');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 200; i += 1) {
      const answer = await call(proxy.url, '/reuse.txt', { agent });
      assert.equal(answer.body.toString(), 'again');
    }
    agent.destroy();
    const lines = await log_lines('/reuse.txt', 200);
    assert.equal(new Set(lines.map((line) => line.connection)).size, 1);
    assert.equal(lines[0].protocol, 'TLSv1.3');
    assert.equal(lines[0].name, 'files.upstream.test');
  });

  test('a new client connection each time: the upstream connections are shared', async () => {
    fs.writeFileSync(path.join(dir, 'files/fresh.txt'), 'again');
    for (let i = 0; i < 50; i += 1) await call(proxy.url, '/fresh.txt', { agent: false });
    const lines = await log_lines('/fresh.txt', 50);
    const connections = new Set(lines.map((line) => line.connection)).size;
    assert.ok(connections <= 2, `${connections} upstream connections for 2 workers`);
  });

  for (const [protocol, prefix] of [['TLSv1.3', ''], ['TLSv1.2', '/older']]) {
    test(`an upstream that closes each time: its ${protocol} session is resumed`, async () => {
      const target = `${prefix}/once/hello.txt`;
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < 6; i += 1) {
        const answer = await call(proxy.url, target, { agent });
        assert.equal(answer.status, 200);
      }
      agent.destroy();
      const lines = await log_lines(target, 6);
      assert.equal(new Set(lines.map((line) => line.connection)).size, 6);
      assert.ok(lines.every((line) => line.protocol === protocol));
      // The first may go over an idle connection, the second may find that one's ticket used.
      assert.deepEqual(lines.slice(2).map((line) => line.reused), Array(4).fill('r'));
    });
  }

  last_test('TERM ends the proxy with code 0, and no secret is in its logs', () =>
    stop_proxy(proxy, tally));
});

/** One request with node's own client, which decodes nothing: {status, headers, body}. */
function call(base, target, options = {}) {
  const { body, stall_ms = 0, ...rest } = options;
  const url = new URL(base + target);
  const answer = new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(url, rest);
    request.on('error', reject);
    request.on('response', async (response) => {
      const pieces = [];
      try {
        for await (const piece of response) {
          pieces.push(piece);
          if (stall_ms > 0) await pause(stall_ms);
        }
        const { statusCode: status, headers } = response;
        resolve({ status, headers, body: Buffer.concat(pieces) });
      } catch (error) {
        reject(error);
      }
    });
    request.end(body);
  });
  return within(50_000, answer, `an answer for ${target}`);
}
