// The official Web UI in a real browser, in front of our server or the real one.
//
//   node run.mjs --server PROGRAM --webui PROGRAM --python PROGRAM [--browser PROGRAM] [--out FOLDER] [CHAPTER...]
//
// PROGRAM of --server has the subcommand `server start-dev`. Each chapter has a window of its own. Exit code: 0 if all is well.

import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch, open, profile } from './browser.mjs';
import { set } from './stage.mjs';
import cluster from './chapters/cluster.mjs';
import list from './chapters/list.mjs';
import run from './chapters/run.mjs';
import actions from './chapters/actions.mjs';
import schedules from './chapters/schedules.mjs';
import batches from './chapters/batches.mjs';

// In this order: later ones change what earlier ones look at.
const BOOK = { list, run, cluster, schedules, actions, batches };

const here = dirname(fileURLToPath(import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string' },
    webui: { type: 'string' },
    python: { type: 'string' },
    browser: { type: 'string', default: '/usr/bin/chromium' },
    out: { type: 'string', default: resolve(here, '../../target/ui') },
  },
});
const folder = resolve(values.out);
mkdirSync(folder, { recursive: true });

const wanted = ([room, chapter]) => positionals.length === 0 || positionals.some((it) => it === room || it === `${room}/${chapter}`);
const chapters = Object.entries(BOOK).flatMap(([room, module]) => Object.entries(module).map(([name, act]) => [room, name, act])).filter(wanted);

const stage = await set({ ...values, folder, here });
const browser = await launch(values.browser);
const context = await profile(browser, stage.base);
let failed = 0;
const excuses = new Set();
try {
  for (const [room, name, act] of chapters) {
    const began = Date.now();
    const window = await open(context, stage.base, join(folder, room));
    const error = await act(window, stage).then(() => null, (error) => error);
    await window.shot(error ? `${name}-failed` : name).catch(() => {});
    const complaints = [...(error ? [error.message] : []), ...new Set(window.complaints)];
    failed += complaints.length > 0;
    window.allowed.forEach((excuse) => excuses.add(excuse));
    console.log(`${complaints.length ? 'FAILED' : 'ok'}  ${room}/${name}  ${((Date.now() - began) / 1000).toFixed(1)} s`);
    complaints.forEach((complaint) => console.log(`    ${complaint}`));
    await window.page.close();
  }
} finally {
  await browser.close();
  await stage.stop();
}
excuses.forEach(({ path, status, why }) => console.log(`allowed: ${status} of ${path} (${why})`));
console.log(`ui: ${chapters.length - failed} passed, ${failed} failed; screenshots in ${folder}`);
process.exit(failed ? 1 : 0);
