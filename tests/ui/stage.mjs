// What a run needs: a server, the Web UI in front of it, and a world with workflows and their worker.

import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';

// How long a program may take to be ready.
const PATIENCE_MS = 60_000;

const SERVER_ARGUMENTS = ['--headless', '--log-level', 'error', '--search-attribute', 'Colour=Keyword', '--dynamic-config-value', 'frontend.WorkflowPauseEnabled=true'];

/** Starts all three; `stop` ends them. */
export async function set({ server, webui, python, folder, here }) {
  const [port, page] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const base = `http://127.0.0.1:${page}`;
  const children = [];
  const start = (name, command, ...options) => {
    const child = spawn(command, options, { stdio: ['pipe', 'pipe', 'pipe'] });
    const log = createWriteStream(join(folder, `${name}.log`));
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    child.on('error', (error) => log.write(String(error)));
    children.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of children.reverse()) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  };
  try {
    start('server', server, 'server', 'start-dev', '--port', String(port), ...SERVER_ARGUMENTS);
    start('webui', webui, address, String(page));
    await until('the Web UI in front of the server', async () => (await fetch(`${base}/api/v1/namespaces/default`)).ok);
    const world = start('world', python, join(here, 'world.py'), address);
    await Promise.race([says(world, 'ready'), once(world, 'exit').then(() => fail(`the world has ended; see ${folder}/world.log`))]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, base, stop };
}

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

async function until(what, holds) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) fail(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function says(child, word) {
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => String(data).includes(word) && resolve());
    setTimeout(() => reject(new Error(`does not say ${word}`)), PATIENCE_MS).unref();
  });
}

function fail(what) {
  throw new Error(what);
}
