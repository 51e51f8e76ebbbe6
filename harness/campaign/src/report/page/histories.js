// The histories tab: a list of the workflows, and the events of the one that is open.

/** Payloads in the readable form of their data, where they are JSON; the download keeps them as they are. */
function readable(_, value) {
  if (typeof value?.data !== 'string' || !value.metadata) return value;
  try {
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(value.data), (char) => char.charCodeAt(0))));
  } catch {
    return value;
  }
}

/** The first few attributes in one line. */
function summary(attributes) {
  const telling = Object.entries(attributes).filter(([name]) => !/EventId$|^identity$|^requestId$|^taskQueue$/.test(name)).slice(0, 3);
  const whole = telling.map(([name, value]) => `${name}: ${value?.name ?? (typeof value === 'object' ? JSON.stringify(value, readable) : value)}`).join(', ');
  return whole.length > 140 ? `${whole.slice(0, 139)}…` : whole || 'attributes';
}

function historyRow(event) {
  const attributes = Object.entries(event).find(([name]) => name.endsWith('EventAttributes'))?.[1] ?? {};
  const type = String(event.eventType ?? '').replace(/^EVENT_TYPE_/, '').toLowerCase().replace(/(?:^|_)(.)/g, (_, char) => char.toUpperCase());
  const ns = (Date.parse(event.eventTime) - report.started_at_unix_ms) * 1e6;
  const whole = () => details.children.length < 2 && details.append(el('pre', {}, JSON.stringify(attributes, readable, 2)));
  const details = el('details', { toggle: whole }, el('summary', {}, summary(attributes)));
  const look = /(Failed|TimedOut|Terminated)$/.test(type) ? { class: 'bad' } : {};
  return el('tr', {}, ...[event.eventId ?? '', Number.isNaN(ns) ? '' : date(ns), ns >= 0 ? offset(ns) : ''].map((it) => el('td', {}, it)), el('td', look, type), el('td', {}, details));
}

function download(workflow) {
  const name = (workflow.file?.split(/[\\/]/).pop() || `${workflow.workflow_id}_${workflow.run_id}.json`).replace(/[^\w.@+=-]+/g, '_');
  const url = URL.createObjectURL(new Blob([JSON.stringify(workflow.history, null, 2)], { type: 'application/json' }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function showHistory(workflow) {
  const events = workflow.history?.events ?? [], body = el('tbody');
  const where = workflow.file ? ` Also in ${workflow.file}.` : '';
  const form = ['In the form of ', el('code', {}, 'temporal workflow show --output json'), `: for the Temporal Web UI and for replayers.${where}`];
  const about = `${workflow.workflow_type}, ${words(workflow.status)}, run ${workflow.run_id}, ${events.length} events`;
  const titles = ['Id', 'Virtual date (UTC)', 'Since the start', 'Event', 'Attributes'].map((title) => el('th', { scope: 'col' }, title));
  const more = el('button', { type: 'button', click: () => extend() }, 'Show more');
  const extend = () => {
    body.append(...events.slice(body.children.length, body.children.length + 500).map(historyRow));
    more.hidden = body.children.length >= events.length;
  };
  extend();
  $('history').replaceChildren(el('div', { class: 'history-head' }, el('div', {}, el('h2', {}, workflow.workflow_id), el('p', {}, about), el('p', {}, ...form)),
    el('button', { type: 'button', click: () => download(workflow) }, 'Download JSON')), el('table', {}, el('thead', {}, el('tr', {}, ...titles)), body), more);
}

function openHistory(workflow) {
  $('workflow-search').value = '';
  renderWorkflows();
  chooseTab($('tab-histories'));
  const tab = $('workflows').children[report.workflows.indexOf(workflow)];
  tab.click();
  tab.focus();
}

function renderWorkflows() {
  const text = $('workflow-search').value.trim().toLowerCase();
  const found = report.workflows.filter((it) => `${it.workflow_id} ${it.workflow_type} ${it.status}`.toLowerCase().includes(text));
  const open = (workflow) => (event) => { markTab(event.currentTarget); showHistory(workflow); };
  $('workflows').replaceChildren(...found.map((it) => el('button', { type: 'button', role: 'tab', 'aria-controls': 'history', click: open(it) },
    it.workflow_id, el('small', {}, `${it.workflow_type}, ${words(it.status)}, run ${it.run_id.slice(0, 8)}`))));
  if (found.length) $('workflows').firstChild.click(); else $('history').replaceChildren(el('p', { class: 'empty' }, 'No workflow.'));
}
