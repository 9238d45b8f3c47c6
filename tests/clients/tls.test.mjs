// Clients of other makers on a listener that speaks TLS: curl, Python, openssl, Node and Chromium,
// with TLS 1.2 and 1.3, ECDSA and RSA certificates, ALPN, tickets, and a certificate of their own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { after, before, describe } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';

import { chromium } from 'playwright-core';
import { WebSocket } from 'ws';

import {
  api_key, in_turn, make_certificates, make_scratch, make_tests, next_event, poll, start_proxy,
  stop_proxy, upstream_yaml,
} from './harness.mjs';
import { answer_words, start_upstream } from './upstream.mjs';

const whole_answer = answer_words.join('');
const browser_binary = process.env.CHROMIUM ?? '/usr/bin/chromium';
const exec_file = promisify(execFile);
const run = (command, ...args) => exec_file(command, args, { timeout: 20_000 });

// What s_client says of one handshake; it ends when its input does.
async function s_client(port, ...args) {
  const all = ['s_client', '-connect', `127.0.0.1:${port}`, ...args];
  const running = exec_file('openssl', all, { timeout: 20_000 });
  running.child.stdin.end('Q\n');
  const { stdout, stderr } = await running.catch((error) => error);
  return stdout + stderr;
}

describe('clients over TLS', () => {
  const { tally, test, last_test } = make_tests();
  let dir, certificates, rsa, upstream, proxy, strict_proxy, browser;

  before(async () => {
    dir = make_scratch();
    certificates = make_certificates(dir, ['DNS:localhost', 'IP:127.0.0.1']);
    rsa = { cert_file: path.join(dir, 'rsa.pem'), key_file: path.join(dir, 'rsa.key') };
    await run('openssl', 'req', '-newkey', 'rsa:2048', '-nodes', '-keyout', rsa.key_file,
      '-out', path.join(dir, 'rsa.csr'), '-subj', '/CN=rsa');
    await run('openssl', 'x509', '-req', '-in', path.join(dir, 'rsa.csr'),
      '-CA', certificates.ca_file, '-CAkey', path.join(dir, 'ca.key'), '-CAcreateserial',
      '-out', rsa.cert_file, '-days', '2', '-extfile', path.join(dir, 'leaf.ext'));
    upstream = await start_upstream(certificates);
    const yaml = [
      'workers: 2',
      'timeouts: { drain: 2s }',
      'upstreams:',
      upstream_yaml('openai', `https://localhost:${upstream.port}`, certificates),
    ].join('\n');
    const both = `certificate: ${certificates.cert_file}, key: ${certificates.key_file}, ` +
      `certificates: [{ certificate: ${rsa.cert_file}, key: ${rsa.key_file} }]`;
    proxy = await start_proxy(dir, yaml, `{ ${both} }`);
    strict_proxy = await start_proxy(dir, yaml, `{ ${both}, client_ca: ${certificates.ca_file} }`);
  });

  after(async () => {
    await in_turn(
      () => browser?.close(),
      () => stop_proxy(strict_proxy, tally),
      () => stop_proxy(proxy, tally),
      () => upstream?.close(),
    );
  });

  for (const version of ['1.2', '1.3']) {
    test(`curl, TLS ${version}`, async () => {
      const { stdout } = await run('curl', '-sS', '--fail', '--cacert', certificates.ca_file,
        `--tlsv${version}`, '--tls-max', version, '-H', `Authorization: Bearer ${api_key}`,
        '-w', '\n%{ssl_verify_result} %{http_version}', `${proxy.url}/v1/models/curl`);
      assert.match(stdout, /\n0 1\.1$/);
    });

    const flag = `-tls${version.replace('.', '_')}`;
    for (const kind of ['ECDSA', 'RSA']) {
      test(`openssl s_client, TLS ${version}, ${kind}`, async () => {
        const wanted = kind === 'RSA' ? 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256'
          : 'ecdsa_secp256r1_sha256';
        const text = await s_client(proxy.port, flag, '-CAfile', certificates.ca_file,
          '-verify_return_error', '-alpn', 'h2,http/1.1', '-sigalgs', wanted);
        assert.match(text, new RegExp(`New, TLSv${version}`));
        assert.match(text, /Verif(y return code|ication): (0 \(ok\)|OK)/);
        assert.match(text, /ALPN protocol: http\/1\.1/);
        assert.match(text, new RegExp(`Peer signature type: ${kind}`));
      });
    }

    test(`openssl s_client that wants small records, TLS ${version}`, async () => {
      const all = ['s_client', '-connect', `127.0.0.1:${proxy.port}`, flag, '-quiet', '-ign_eof',
        '-maxfraglen', '512'];
      const running = exec_file('openssl', all, { timeout: 20_000 });
      const long = 'x'.repeat(5000); // told in the answer
      running.child.stdin.write(
        `GET /v1/echo?${long} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      const { stdout } = await running;
      assert.match(stdout, /HTTP\/1\.1 200/);
      assert.ok(stdout.includes(long), `${stdout.length} bytes came`);
    });

    test(`openssl s_client resumes, TLS ${version}`, async () => {
      const file = path.join(dir, `session-${version}`);
      // TLS 1.3 tickets come after the handshake: an answer says that they have come.
      const ask = async (...args) => {
        const all = ['s_client', '-connect', `127.0.0.1:${proxy.port}`, flag, '-ign_eof',
          '-servername', 'localhost', ...args];
        const running = exec_file('openssl', all, { timeout: 20_000 });
        running.child.stdin.write(
          'GET /v1/models/s_client HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
        const { stdout } = await running;
        assert.match(stdout, /HTTP\/1\.1 200/);
        return stdout;
      };
      assert.match(await ask('-sess_out', file), /^New, /m);
      assert.match(await ask('-sess_in', file), /^Reused, /m);
    });
  }

  test('openssl s_client is refused TLS 1.1', async () => {
    const text = await s_client(proxy.port, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0');
    assert.match(text, /alert protocol version/);
  });

  test('Python', async () => {
    const script = [
      'import json, ssl, sys, urllib.request',
      'context = ssl.create_default_context(cafile=sys.argv[1])',
      'request = urllib.request.Request(sys.argv[2], b"{}", {"Content-Type": "application/json"})',
      'print(json.load(urllib.request.urlopen(request, context=context))'
        + '["choices"][0]["message"]["content"])',
    ].join('\n');
    const { stdout } = await run('python3', '-c', script, certificates.ca_file,
      `${proxy.url}/v1/chat/completions`);
    assert.equal(stdout.trim(), whole_answer);
  });

  test('Node: a kept connection, and a session that is resumed', async () => {
    const agent = new https.Agent({ ca: certificates.ca, keepAlive: true, maxSockets: 1 });
    const ask = () => new Promise((resolve, reject) => {
      https.get(`${proxy.url}/v1/models/node`, { agent }, (response) => {
        const { socket } = response;
        const facts = { status: response.statusCode, reused: socket.isSessionReused(), socket };
        response.resume().on('end', () => resolve(facts));
      }).on('error', reject);
    });
    const first = await ask();
    const second = await ask();
    assert.equal(second.socket, first.socket);
    first.socket.destroy();
    await next_event(first.socket, 'close').catch(() => {});
    const third = await ask();
    agent.destroy();
    assert.deepEqual([first.status, second.status, third.status], [200, 200, 200]);
    assert.deepEqual([first.reused, third.reused], [false, true]);
  });

  test('ws: a WebSocket within TLS', async () => {
    const socket = new WebSocket(`${proxy.ws_url}/v1/realtime`, {
      ca: certificates.ca,
      headers: { authorization: `Bearer ${api_key}` },
    });
    await next_event(socket, 'open');
    socket.close();
    await next_event(socket, 'close');
  });

  test('Chromium: a page of the proxy, a call from it', async () => {
    browser = await chromium.launch({
      executablePath: browser_binary,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const opened = await page.goto(`${proxy.url}/v1/models/chromium`);
    assert.equal(opened.status(), 200);
    assert.equal((await opened.securityDetails()).protocol, 'TLS 1.3');
    const answer = await page.evaluate(async () => {
      const response = await fetch('/v1/chat/completions', { method: 'POST', body: '{}' });
      return response.json();
    });
    assert.equal(answer.choices[0].message.content, whole_answer);
  });

  test('client_ca: curl gets in with a certificate, and not without', async () => {
    const ask = (...args) => run('curl', '-sS', '--fail', '--cacert', certificates.ca_file, ...args,
      '-o', '/dev/null', '-w', '%{http_code}', `${strict_proxy.url}/v1/models/curl`);
    const own = ['--cert', certificates.cert_file, '--key', certificates.key_file];
    for (const version of ['1.2', '1.3']) {
      assert.equal((await ask(...own, '--tls-max', version)).stdout, '200');
      await assert.rejects(ask('--tls-max', version));
    }
  });

  test('http on the https port: curl shows what to do', async () => {
    const { stdout } = await run('curl', '-sS', `http://127.0.0.1:${proxy.port}/v1/models`);
    assert.match(JSON.parse(stdout).error.message, /change http:\/\/ to https:\/\//);
  });

  test('a renewed certificate is shown without a signal, a kept connection stays', async () => {
    const kept = tls.connect({ port: proxy.port, ca: certificates.ca, servername: 'localhost' });
    await next_event(kept, 'secureConnect');
    const serial = () => new Promise((resolve, reject) => {
      const socket = tls.connect({ port: proxy.port, ca: certificates.ca }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      }).on('error', reject);
    });
    const before_it = await serial();
    await run('openssl', 'x509', '-req', '-in', path.join(dir, 'leaf.csr'),
      '-CA', certificates.ca_file, '-CAkey', path.join(dir, 'ca.key'), '-CAcreateserial',
      '-out', path.join(dir, 'renewed.pem'), '-days', '2', '-extfile', path.join(dir, 'leaf.ext'));
    fs.renameSync(path.join(dir, 'renewed.pem'), certificates.cert_file);
    await poll(20_000, async () => (await serial()) !== before_it, 'the renewed certificate');
    kept.write('GET /v1/models/kept HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [bytes] = await next_event(kept, 'data');
    assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 200/);
    kept.destroy();
  });

  last_test('ends with 0, nothing secret in its log', async () => {
    await stop_proxy(proxy, tally);
    const key = fs.readFileSync(certificates.key_file, 'utf8').split('\n')[1];
    assert.ok(!proxy.run.output.includes(key));
  });
});
