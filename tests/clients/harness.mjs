// What the client tests share: a scratch folder, certificates, free ports, child processes, the
// proxy itself, and a TLS front such as a site puts before it. The upstream is in upstream.mjs.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const modules_dir = path.join(here, 'node_modules');
export const proxy_binary =
  process.env.OPENAI_PROXY_BINARY ?? path.join(here, '../../build/openai-proxy');

const sanitized = /__(asan|tsan)_init/.test(fs.readFileSync(proxy_binary, 'latin1'));

// Recognisable, so that its absence from every log can be asserted.
export const api_key = 'sk-clients-5e3c2eT0fTheTests';

// A loaded machine is slow, a wrong proxy is late by orders: it waits for a time-out or a buffer.
export const cancel_ms_max = 200;

// All that must not be seen where it does not belong: the key above, and what a file adds.
const secrets = new Set([api_key]);

/** Has every proxy of this file searched for `text` when it is stopped. Returns it. */
export function add_secret(text) {
  secrets.add(text);
  return text;
}

/** Resolves after `ms`; only for pacing a poll or an upstream, never to wait for an outcome. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves as `promise`, or rejects with `what` after `ms`. */
export async function within(ms, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `probe` until it returns something truthy, which is resolved; rejects after `ms`. */
export async function poll(ms, probe, what) {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(10);
  }
}

/** Resolves with the arguments of `emitter`'s next `name`; rejects after 10 s. */
export function next_event(emitter, name) {
  const happened = new Promise((resolve) => emitter.once(name, (...values) => resolve(values)));
  return within(10_000, happened, `event '${name}'`);
}

/** A port of 127.0.0.1 that nothing listened on a moment ago. */
export async function free_port() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Makes a folder for one test file; removed at exit. */
export function make_scratch() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'openai-proxy-clients-'));
  process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A CA of our own and a leaf for `names` (subjectAltName items). Returns paths and PEM texts. */
export function make_certificates(dir, names) {
  const file = (name) => path.join(dir, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...ec, '-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '2',
    '-subj', '/CN=openai-proxy client tests CA', '-addext', 'keyUsage=critical,keyCertSign');
  openssl('req', ...ec, '-keyout', file('leaf.key'), '-out', file('leaf.csr'),
    '-subj', '/CN=upstream');
  fs.writeFileSync(file('leaf.ext'),
    `subjectAltName=${names.join(',')}\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n`);
  openssl('x509', '-req', '-in', file('leaf.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'),
    '-CAcreateserial', '-out', file('leaf.pem'), '-days', '2', '-extfile', file('leaf.ext'));
  return {
    ca_file: file('ca.pem'),
    key_file: file('leaf.key'),
    cert_file: file('leaf.pem'),
    ca: fs.readFileSync(file('ca.pem')),
    key: fs.readFileSync(file('leaf.key')),
    cert: fs.readFileSync(file('leaf.pem')),
  };
}

const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
// The runner stops a file that hangs with a signal; 'exit' is only reached when we ask for it.
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(1));

/** A child process with its output kept. `exited` resolves with {code, signal}. */
export function start_child(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  children.add(child);
  const run = { child, output: '', exit: null, exited: null };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (run.output += text));
  }
  run.exited = new Promise((resolve) => {
    const finish = (exit) => {
      children.delete(child);
      run.exit = exit;
      resolve(exit);
    };
    child.on('error', (error) => finish({ code: null, signal: null, error }));
    child.on('close', (code, signal) => finish({ code, signal }));
  });
  return run;
}

/** Resolves with whether something accepts a connection on `port`. */
export function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Resolves when something accepts on `port`; rejects with the child's output if it ended first. */
export async function until_listening(run, port) {
  const listens = () => {
    if (run.exit) {
      throw new Error(`ended before it listened: ${JSON.stringify(run.exit)}\n${run.output}`);
    }
    return accepts(port);
  };
  await poll(10_000, listens, `a listener on port ${port}`);
}

/**
 * Starts the proxy with `yaml` (all but its listeners) and resolves once it accepts. `tls` is the
 * `tls` section of its listener; without it the listener is plain.
 */
export async function start_proxy(dir, yaml, tls) {
  const port = await free_port();
  const admin_port = await free_port();
  const address = `{ address: "127.0.0.1:${port}"${tls ? `, tls: ${tls}` : ''} }`;
  const listen = `listen: [${address}]\nadmin: { listen: "127.0.0.1:${admin_port}" }\n`;
  const config_file = path.join(dir, `proxy-${port}.yaml`);
  const write_config = (text) => fs.writeFileSync(config_file, listen + text);
  write_config(yaml);
  const run = start_child(proxy_binary, ['--config', config_file]);
  await until_listening(run, port);
  return {
    port,
    admin_url: `http://127.0.0.1:${admin_port}`,
    config_file,
    run,
    write_config,
    // What it wrote into `dir`: its state with whatever SQLite keeps beside it, logs.
    files: () =>
      fs.readdirSync(dir).filter((name) => /^(state|log)/.test(name))
        .map((name) => path.join(dir, name)),
    url: `http${tls ? 's' : ''}://127.0.0.1:${port}`,
    ws_url: `ws${tls ? 's' : ''}://127.0.0.1:${port}`,
    status_kib: (field) => {
      const status = fs.readFileSync(`/proc/${run.child.pid}/status`, 'utf8');
      return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]);
    },
    assert_grown_at_most(mib, kib, when) {
      // Sanitizers keep freed memory on purpose.
      if (sanitized) return;
      assert.ok(kib < mib * 1024, `the proxy grew by ${kib} KiB ${when}`);
    },
  };
}

export function print_output({ run }) {
  console.log(`--- output of the proxy (pid ${run.child.pid}) ---\n${run.output}--- end ---`);
}

/** Runs every step, also after one that fails, then throws the first error. */
export async function in_turn(...steps) {
  const errors = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** The pages that the proxy's admin endpoint serves, as one text. */
async function admin_pages(proxy) {
  const pages = ['/metrics', '/healthz', '/', '/config'].map(async (page) => {
    const response = await fetch(proxy.admin_url + page);
    return [...response.headers, await response.text()].join('\n');
  });
  return (await Promise.all(pages)).join('\n');
}

/** What other commands of the program print about this proxy's configuration and state. */
function command_outputs(proxy) {
  return [['--print-config'], ['--check'], ['clients'], ['usage']].map((command) => {
    const { stdout, stderr } = spawnSync(
      proxy_binary, [...command, '--config', proxy.config_file], { encoding: 'utf8' });
    return stdout + stderr;
  }).join('\n');
}

/** Throws when `bytes`, which are `what`, have a secret in them. Gives its number, not its text. */
export function assert_no_secret(what, bytes) {
  const found = [...secrets].findIndex((secret) => bytes.includes(secret));
  assert.ok(found < 0, `secret ${found} is in ${what}`);
}

/** TERM must end the proxy with code 0, soon, and leave no secret in what it wrote. */
export async function stop_proxy(proxy, tally) {
  // A file's last test stops the proxy; its after() does where that was not reached.
  if (!proxy || proxy.stopped) return;
  proxy.stopped = true;
  const { run } = proxy;
  const running = run.exit === null;
  try {
    if (running) assert_no_secret('the admin pages', await admin_pages(proxy));
    assert_no_secret('what the program prints', command_outputs(proxy));
    run.child.kill('SIGTERM');
    assert.ok(running, `the proxy had ended before: ${JSON.stringify(run.exit)}`);
    const exit = await within(8_000, run.exited, 'the proxy ends after SIGTERM');
    assert.deepEqual(exit, { code: 0, signal: null });
    assert_no_secret('the logs', run.output);
    for (const file of proxy.files()) assert_no_secret(file, fs.readFileSync(file));
  } catch (error) {
    tally.failed = true;
    run.child.kill('SIGKILL');
    await run.exited;
    throw error;
  } finally {
    if (tally.failed || tally.begun !== tally.passed) print_output(proxy);
  }
}

/** `test(name, fn)` with a deadline, and a tally by which stop_proxy knows whether to print. */
export function make_tests({ timeout_ms = 30_000 } = {}) {
  const tally = { begun: 0, passed: 0, failed: false };
  const test = (name, body) =>
    it(name, { timeout: timeout_ms }, async (t) => {
      tally.begun += 1;
      await body(t);
      tally.passed += 1;
    });
  // Uncounted, so that the proxy it stops need not print what it wrote.
  const last_test = (name, body) => it(name, { timeout: timeout_ms }, body);
  return { tally, test, last_test };
}

/**
 * What makes functions that take the bytes of a connection piece by piece, and notes every secret
 * among `hidden` that went by, however it was cut. `assert_none` throws if one did.
 */
export function make_watch(what, hidden) {
  const longest = Math.max(...hidden.map((secret) => secret.length));
  const found = new Set();
  let bytes_seen = 0;
  const watch = () => {
    let tail = '';
    return (bytes) => {
      bytes_seen += bytes.length;
      const text = tail + bytes.toString('latin1');
      for (const [index, secret] of hidden.entries()) if (text.includes(secret)) found.add(index);
      tail = text.slice(-longest);
    };
  };
  watch.assert_none = () => {
    assert.ok(bytes_seen > 0, `nothing was seen of ${what}`);
    assert.deepEqual([...found], [], `a secret was seen in ${what}`);
  };
  return watch;
}

/** A listener that passes bytes on to `port`; a `watch` sees all that comes back. */
export async function start_tap(port, watch) {
  return start_relay(net.createServer(), 'connection', port, watch);
}

/** A TLS listener that passes plain bytes on to `port`: the site's own TLS before the proxy. */
export async function start_tls_front(certificates, port) {
  const server = tls.createServer({ key: certificates.key, cert: certificates.cert });
  const front = await start_relay(server, 'secureConnection', port);
  return { ...front, url: `https://127.0.0.1:${front.port}` };
}

async function start_relay(server, event, port, watch) {
  const sockets = new Set();
  server.on(event, (outer) => {
    const inner = net.connect(port, '127.0.0.1');
    if (watch) inner.on('data', watch());
    for (const [from, to] of [[outer, inner], [inner, outer]]) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The lines of YAML that make `url` an upstream whose certificate our CA signed. */
export function upstream_yaml(name, url, certificates, extra = '') {
  return `  ${name}:\n    url: ${url}\n    tls: { ca_file: ${certificates.ca_file} }\n${extra}`;
}
