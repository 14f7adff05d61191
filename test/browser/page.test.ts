import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const reason = CHROMIUM ? '' : 'no Chromium in /usr/bin';
const root = new URL('../../', import.meta.url);

/** The page under test: what a user's module would do. */
const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
  import { createMachine, fetchAssets } from '/dist/browser.js';
  try {
    const assets = await fetchAssets({ kernelWasm: '/dist/kernel.wasm', verifierWasm: '/dist/verifier.wasm', btf: '/dist/6.18.btf' });
    const machine = createMachine({ cpus: 4, ...assets });
    const bytes = new Uint8Array(await (await fetch('/examples/claim/claim.bpf.o')).arrayBuffer());
    const object = machine.load(bytes, { set: { nr_cpus: 4 } });
    const retvals = ['set_up', 'claim_cpu', 'claim_cpu'].map((name) => object.program(name).run({ cpu: 1 }).retval);
    const claimed = object.globals.get('claimed').cpus;
    const shared = typeof SharedArrayBuffer === 'function';
    const jobs = [2, 3].map((cpu) => ({ cpu, program: object.program('claim_cpu'), times: 1000 }));
    const runs = await machine.runParallel(jobs, { timeLimitMs: 20000 }).catch((error) => String(error));
    const parallel = typeof runs === 'string' ? runs : runs.map(({ runs, died, fault }) => ({ runs, died, fault }));
    window.result = { retvals, claimed, shared, parallel, after: object.globals.all() };
  } catch (error) {
    window.result = { error: String(error) };
  }
</script>`;

const TYPES: Readonly<Record<string, string>> = { js: 'text/javascript', wasm: 'application/wasm' };

function serve(isolated: boolean): Promise<Server> {
  const server = createServer(({ url = '/' }, response) => {
    const headers: Record<string, string> = isolated
      ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
      : {};
    if (url === '/') return response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(PAGE);
    const file = new URL(`.${url}`, root);
    if (!existsSync(file)) return response.writeHead(404, headers).end();
    const type = TYPES[url.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    return response.writeHead(200, { ...headers, 'Content-Type': type }).end(readFileSync(file));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

describe.skipIf(reason)(`in a browser${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'];
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args });
  });
  afterAll(() => browser.close());

  it.each([true, false])('runs an example; page cross-origin isolated: %s', async (isolated) => {
    const server = await serve(isolated);
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction('window.result');
      const result = await page.evaluate('window.result');
      expect(result).toMatchObject({ retvals: [0, 0, 1], claimed: '0-1', shared: isolated });
      // Two workers, for which shared memory is needed: four CPUs are to be had, and each is claimed once.
      expect(result).toMatchObject(
        isolated
          ? {
              parallel: [2, 3].map(() => ({ runs: 1000, died: null, fault: null })),
              after: { claims: 4, refusals: 2 + 2000 - 4 },
            }
          : { parallel: expect.stringContaining('has to be cross-origin isolated'), after: { claims: 2, refusals: 0 } },
      );
    } finally {
      server.close();
    }
  });
});
