// A real Chromium for the client tests, and the server of the pages it opens.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { modules_dir } from './harness.mjs';

const browser_binary = process.env.CHROMIUM ?? '/usr/bin/chromium';
// No look-ups or connections of its own: only ours are in the logs, and a closed network is enough.
const browser_flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update',
  '--host-resolver-rules=MAP *.example.test 127.0.0.1',
];

// The page's own server: an empty page, and the SDK's modules as they lie in its package.
export async function start_page_server() {
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith('/openai/')) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      return response.end('<!doctype html><title>a page</title><link rel="icon" href="data:,">');
    }
    const file = path.join(modules_dir, path.normalize(request.url));
    fs.readFile(file, (error, bytes) => {
      response.writeHead(error ? 404 : 200, { 'content-type': 'text/javascript' });
      response.end(error ? '' : bytes);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return server;
}

/** Starts Chromium; the caller closes it. */
export const start_browser = () =>
  chromium.launch({ executablePath: browser_binary, args: browser_flags });
