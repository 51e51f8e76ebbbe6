// A page of the Web UI, watched: what it is refused, what it complains about, and whether it shows what it should.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ALLOWED } from './allowed.mjs';

// How long a page may take to show something.
const PATIENCE_MS = 15_000;

/** The browser, headless. */
export async function launch(executablePath) {
  // Without a sandbox of its own: on CI it runs as root in a container.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** What all windows share: the cache. What the UI keeps in the browser is forgotten with every page that is loaded. */
export async function profile(browser, base) {
  const context = await browser.newContext({ viewport: { width: 1500, height: 1000 }, timezoneId: 'UTC', locale: 'en-GB' });
  context.setDefaultTimeout(PATIENCE_MS);
  // Nothing from the world: what the UI would fetch from elsewhere (fonts, news) must not decide a test.
  await context.route((url) => url.origin !== base, (route) => route.abort());
  await context.addInitScript(() => localStorage.clear());
  return context;
}

/** A window on the Web UI at `base`; screenshots go to `folder`. */
export async function open(context, base, folder) {
  mkdirSync(folder, { recursive: true });
  return new Window(await context.newPage(), base, folder);
}

class Window {
  constructor(page, base, folder) {
    Object.assign(this, { page, base, folder, complaints: [], allowed: new Set(), shots: 0 });
    page.on('response', (response) => this.answered(response));
    page.on('pageerror', (error) => this.complaints.push(`the page throws: ${error.message}`));
    page.on('console', (message) => {
      // A refused request has its own line above; one to elsewhere was ours to abort.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.complaints.push(`the console: ${message.text()}`);
    });
  }

  async answered(response) {
    const status = response.status();
    if (status < 400) return;
    const path = response.url().slice(this.base.length);
    const excuse = ALLOWED.find((allowed) => allowed.path.test(path) && allowed.status === status);
    if (excuse) {
      this.allowed.add(excuse);
      return;
    }
    const complaint = `${status} ${response.request().method()} ${path}`;
    const text = await response.text().catch(() => '');
    this.complaints.push(`${complaint} ${text.slice(0, 300)}`);
  }

  /** Opens a page of the namespace. */
  async go(path, namespace = 'default') {
    await this.page.goto(`${this.base}/namespaces/${namespace}${path}`, { waitUntil: 'commit' });
  }

  /** Opens a page of a workflow's current run. */
  async goToRun(id, tab) {
    const { workflowExecutionInfo } = await this.ask(`/workflows/${id}`);
    await this.go(`/workflows/${id}/${workflowExecutionInfo.execution.runId}/${tab}`);
    await this.sees(id);
  }

  /** Waits until each of these is to be seen: text, or a regular expression. */
  async sees(...texts) {
    for (const text of texts) {
      await this.page.locator('main, dialog').getByText(text).filter({ visible: true }).first().waitFor()
        .catch(() => this.fail(`does not show ${text}`));
    }
  }

  /** Waits until none of these is to be seen. */
  async misses(...texts) {
    for (const text of texts) {
      await this.page.locator('main').getByText(text, { exact: true }).filter({ visible: true }).first().waitFor({ state: 'detached' })
        .catch(() => this.fail(`still shows ${text}`));
    }
  }

  /** What is visible of the elements with this `data-testid`. */
  id(name) {
    return this.page.getByTestId(name).filter({ visible: true }).first();
  }

  button(name) {
    return this.page.getByRole('button', { name }).filter({ visible: true }).first();
  }

  /** Waits until a frame of the page has the text: what users write is shown in frames of its own. */
  async seesInFrame(text) {
    const end = Date.now() + PATIENCE_MS;
    while (!(await Promise.all(this.page.frames().map((frame) => frame.locator('body').innerText().catch(() => '')))).some((body) => text.test(body))) {
      if (Date.now() > end) this.fail(`has no frame with ${text}`);
      await this.page.waitForTimeout(100);
    }
  }

  /** What the UI's server answers to the page's own kind of request. */
  async ask(path) {
    const answer = await fetch(`${this.base}/api/v1/namespaces/default${path}`);
    return answer.json();
  }

  /** Waits until the server's answer is so: for what takes its time, and pages that do not refresh by themselves. */
  async until(what, path, holds) {
    const end = Date.now() + PATIENCE_MS;
    while (!holds(await this.ask(path))) {
      if (Date.now() > end) this.fail(`waits in vain for ${what}`);
      await this.page.waitForTimeout(100);
    }
  }

  /** Waits until as many workflows match the query. */
  async untilCount(count, query) {
    await this.until(`${count} of ${query}`, `/workflow-count?query=${encodeURIComponent(query)}`, (answer) => Number(answer.count ?? 0) === count);
  }

  /** Chooses in a list that opens on a click. */
  async choose(list, option) {
    await this.id(`${list}-button`).click();
    await this.page.getByRole('option').filter({ visible: true, hasText: option }).last().click();
  }

  /** What is open in front of the page. */
  get dialog() {
    return this.page.locator('dialog[open]');
  }

  fail(what) {
    throw new Error(`${this.page.url().slice(this.base.length)} ${what}`);
  }

  /** Keeps what is to be seen now, for people. */
  async shot(name) {
    this.shots += 1;
    await this.page.screenshot({ path: join(this.folder, `${name}.png`) });
  }
}
