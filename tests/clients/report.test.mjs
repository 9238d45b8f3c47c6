// The load tool's results as people and programs get them: its JSON, and its pages opened from disk
// in a real Chromium, on a desk and on a phone, light and dark. SCREENSHOTS=DIR keeps the pictures.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { chromium } from 'playwright-core';

import { make_scratch, make_tests, poll, start_child, within } from './harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const bench_binary =
  process.env.OPENAI_PROXY_BENCH_BINARY ?? path.join(here, '../../build/openai-proxy-bench');
const browser_binary = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser_flags = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update',
];

const evil_name = '<b onclick="alert(1)">"rival" & co</b>';
const long_name = 'a rival whose name is far too long for any label';
// Names as long, values as close and as far apart as a comparison may have them.
const comparison = {
  kind: 'comparison',
  title: 'Ours beside <others> & 其他',
  machine: { cpu: 'A CPU of some maker @ 2.60GHz', cores: 2 },
  rounds: 5,
  contestants: [
    { name: 'openai-proxy', version: '0.1.0', note: '', role: 'ours' },
    { name: evil_name, version: '1.22.1', note: 'buffering off', role: 'rival' },
    { name: long_name, version: '2', note: '' },
    { name: 'direct', version: '', note: 'nothing between', role: 'baseline' },
  ],
  missing: [{ name: 'envoy', why: 'not installed' }],
  problems: [{ contestant: 'direct', measure: 'memory', why: 'no process' }],
  rows: [
    {
      key: 'rate', group: 'Throughput', name: 'chat requests', unit: 'requests/s',
      better: 'higher', note: '64 connections',
      values: [
        { contestant: 'openai-proxy', median: 31_234, min: 30_900, max: 32_000 },
        { contestant: evil_name, median: 36_000, min: 35_000, max: 36_100, failed: 3 },
        { contestant: long_name, median: 330, min: 250, max: 390 },
        { contestant: 'direct', median: 288_000, min: 287_000, max: 288_500 },
      ],
    },
    {
      key: 'memory', group: 'Memory', name: 'memory per stream', unit: 'bytes/stream',
      better: 'lower',
      values: [
        { contestant: 'openai-proxy', median: 9_200, min: 9_200, max: 9_200 },
        { contestant: evil_name, median: 9_230, min: 9_100, max: 9_300 },
        { contestant: long_name, median: 4_000_000, min: 100_000, max: 9_000_000 },
      ],
    },
  ],
};

/** Runs the load tool to its end and resolves with its exit and output. */
async function run_bench(...args) {
  const run = start_child(bench_binary, args);
  const exit = await within(20_000, run.exited, `openai-proxy-bench ${args.join(' ')}`);
  return { ...exit, output: run.output };
}

// What is looked at within the page; everything it needs is inside.
function look_at_page() {
  const problems = [];
  const seen = (element) => element.getClientRects().length > 0;
  if (document.documentElement.scrollWidth > window.innerWidth) {
    problems.push(`${document.documentElement.scrollWidth} px wide`);
  }
  const drawings = [...document.querySelectorAll('svg')].filter(seen);
  for (const svg of drawings) {
    const title = svg.querySelector('title')?.textContent;
    if (!title || !svg.querySelector('desc')?.textContent) problems.push('no text for a drawing');
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map((element) => {
      // A line box is taller than its letters.
      const box = element.getBoundingClientRect();
      const leading = box.height * 0.12;
      const { left, right } = box;
      const [top, bottom] = [box.top + leading, box.bottom - leading];
      return { text: element.textContent, left, right, top, bottom };
    });
    texts.forEach((one, index) => {
      const slack = 0.5;
      if (one.left < frame.left - slack || one.right > frame.right + slack ||
          one.top < frame.top - slack || one.bottom > frame.bottom + slack) {
        problems.push(`${title}: '${one.text}' leaves the drawing`);
      }
      for (const other of texts.slice(0, index)) {
        if (one.left < other.right && other.left < one.right &&
            one.top < other.bottom && other.top < one.bottom) {
          problems.push(`${title}: '${one.text}' lies over '${other.text}'`);
        }
      }
    });
  }
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption?.textContent) problems.push('a table without a caption');
  }
  return { problems, drawings: drawings.length };
}

// Text against what it stands on, by WCAG: 4.5 is enough for any size.
function look_at_contrast() {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).slice(0, 3).map((channel) => {
      const share = channel / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((channels(colour)[3] ?? 1) === 1) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.getClientRects().length === 0) continue;
    if (['title', 'desc'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const [low, high] = [luminance(colour), luminance(behind(element))].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faint.add(`${element.tagName}.${element.className}: ${contrast}`);
  }
  return [...faint];
}

describe('results of the load tool', () => {
  const { test } = make_tests({ timeout_ms: 60_000 });
  const dir = make_scratch();
  const file = (name) => path.join(dir, name);
  let browser, upstream, url;

  before(async () => {
    assert.ok(fs.existsSync(bench_binary), `no program at ${bench_binary}: make test-clients`);
    upstream = start_child(bench_binary, ['serve', '--listen', '127.0.0.1:0']);
    const listening = /listening on (\S+)/;
    await poll(10_000, () => listening.test(upstream.output), 'serve listens');
    url = `http://${listening.exec(upstream.output)[1]}`;
    browser = await chromium.launch({ executablePath: browser_binary, args: browser_flags });
  });

  after(async () => {
    await browser?.close();
    upstream?.child.kill('SIGTERM');
    await upstream?.exited;
  });

  test('a run writes JSON that says what its page says', async () => {
    const options = ['-c', '4', '-d', '2s', '--tokens', '20', '--gap', '1ms', '--quiet'];
    const pid = ['--pid', String(upstream.child.pid)];
    const done = await run_bench('stream', url, ...options, ...pid,
      '--json', file('stream.json'), '--html', file('stream.html'));
    assert.equal(done.code, 0, done.output);
    const result = JSON.parse(fs.readFileSync(file('stream.json'), 'utf8'));
    assert.equal(result.kind, 'run');
    assert.equal(result.failed, 0);
    // Events of answers that outlast the measured part are not in it.
    assert.ok(result.requests > 0 && result.events > result.requests * 10);
    assert.equal(result.statuses['200'], result.requests);
    assert.equal(result.latency_us.total.curve.at(-1)[1], result.latency_us.total.max);
    assert.ok(result.latency_us.total.min >= 19_000,
      'twenty tokens have nineteen gaps of a millisecond between them');
    assert.ok(result.watched.cpu_us_per_request > 0);
    assert.ok(result.timeline.length >= 2);

    const chat = await run_bench('chat', url, '-c', '2', '-d', '2s', '--quiet',
      '--json', file('chat.json'));
    assert.equal(chat.code, 0, chat.output);
    const page = await run_bench('page', file('stream.json'), '-o', file('again.html'));
    assert.equal(page.code, 0, page.output);
    assert.equal(fs.readFileSync(file('again.html'), 'utf8'),
      fs.readFileSync(file('stream.html'), 'utf8'));
  });

  test('runs of requests that fail have a page of them', async () => {
    const failing = await run_bench('chat', `${url}/v1/chat/completions?fault=500`, '-c', '2',
      '-d', '2s', '--quiet', '--json', file('failing.json'), '--html', file('failing.html'));
    assert.equal(failing.code, 1, failing.output);
    assert.match(fs.readFileSync(file('failing.html'), 'utf8'), /class="warning">[\d,]+ of/);
  });

  test('several runs and a comparison have a page', async () => {
    fs.writeFileSync(file('comparison.json'), JSON.stringify(comparison));
    for (const [out, ...sources] of [
      ['several.html', 'stream.json', 'chat.json', 'failing.json'],
      ['comparison.html', 'comparison.json'],
    ]) {
      const made = await run_bench('page', ...sources.map(file), '--output', file(out));
      assert.equal(made.code, 0, made.output);
    }
  });

  test('a file that is no result is refused by name', async () => {
    fs.writeFileSync(file('broken.json'), '{\n"kind": }');
    const refused = await run_bench('page', file('broken.json'), '-o', file('broken.html'));
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /broken\.json: no JSON: line 2/);
    assert.ok(!fs.existsSync(file('broken.html')));
  });

  for (const [name, drawings_min] of [
    ['stream', 4], ['failing', 3], ['several', 6], ['comparison', 2],
  ]) {
    for (const width of [375, 720, 1280]) {
      for (const scheme of ['light', 'dark']) {
        test(`${name}.html, ${width} px, ${scheme}`, async () => {
          const context = await browser.newContext({
            viewport: { width, height: 900 }, colorScheme: scheme, offline: true,
          });
          const page = await context.newPage();
          const requests = [];
          const complaints = [];
          page.on('request', (request) => requests.push(request.url()));
          page.on('console', (message) => complaints.push(message.text()));
          page.on('pageerror', (error) => complaints.push(String(error)));
          const address = pathToFileURL(file(`${name}.html`)).href;
          await page.goto(address);
          const pictures = process.env.SCREENSHOTS ?? dir;
          const picture = path.join(pictures, `${name}-${width}-${scheme}.png`);
          await page.screenshot({ path: picture, fullPage: true });

          const { problems, drawings } = await page.evaluate(look_at_page);
          assert.deepEqual(problems, []);
          assert.ok(drawings >= drawings_min, `${drawings} drawings are shown`);
          assert.deepEqual(await page.evaluate(look_at_contrast), []);
          // Opened, the tables behind the charts must fit as well.
          await page.evaluate(() => {
            for (const details of document.querySelectorAll('details')) details.open = true;
          });
          assert.deepEqual((await page.evaluate(look_at_page)).problems, []);
          // The empty icon is part of the page.
          const outward = requests.filter((target) => !target.startsWith('data:'));
          assert.deepEqual(outward, [address]);
          assert.deepEqual(complaints, []);
          await context.close();
        });
      }
    }
  }

  test('a name stays text', async () => {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(file('comparison.html')).href);
    assert.equal(await page.locator('h1').textContent(), comparison.title);
    assert.ok((await page.locator('th[scope=row]').allTextContents()).includes(evil_name));
    assert.equal(await page.locator('[onclick]').count(), 0);
    await page.close();
  });
});
