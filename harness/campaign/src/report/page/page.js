// The report's page: what it shows, which part of it is in view, and what mouse and keys do. `drawing.js` draws the timeline,
// `histories.js` fills the histories tab; `page.html` puts the three into one function, this one last.
// `report` is described in `model.rs`, and `layout`, the places of everything on the time axis, in `layout.rs`.
//
// Everything in the report is foreign text: it reaches the page as text nodes only, never as markup.
const { report, layout } = JSON.parse(document.getElementById('data').textContent);

// ---- Elements, numbers, words ----

const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const svg = tag === 'svg' || tag === 'path';
  const node = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value); else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** The first index at which `value(index)` is at least `wanted`. */
function firstAtLeast(length, value, wanted) {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) < wanted) low = middle + 1; else high = middle;
  }
  return low;
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const pad = (number, width = 2) => String(number).padStart(width, '0');
const words = (name) => name.replaceAll('_', ' ');
const thousands = (count) => count.toLocaleString('en');
const UNITS = [['day', 86400e9], ['h', 3600e9], ['min', 60e9], ['s', 1e9], ['ms', 1e6], ['µs', 1e3], ['ns', 1]];

/** A length of time in its two largest units, rounded, as `duration` in `timeline.rs` writes it; `short` in one. */
function duration(ns, short = false) {
  const first = UNITS.findIndex(([, unit]) => ns >= unit);
  if (first < 0) return '0 s';
  const second = short || ns < 1e9 || ns / UNITS[first][1] >= 100 ? first : first + 1;
  const rounded = Math.round(ns / UNITS[second][1]) * UNITS[second][1];
  if (rounded !== ns) return duration(rounded, short); // which may have become a whole day
  const part = (it, [name, unit]) => `${Math.floor(it / unit)} ${name}${name === 'day' && Math.floor(it / unit) !== 1 ? 's' : ''}`;
  const rest = ns % UNITS[first][1];
  return rest ? `${part(ns, UNITS[first])} ${part(rest, UNITS[second])}` : part(ns, UNITS[first]);
}

/** Since the start: +30d 00:00:01.002, with microseconds where there are any and they are asked for. */
function offset(ns, fine = false) {
  const us = Math.floor(ns / 1e3), s = Math.floor(us / 1e6), days = Math.floor(s / 86400);
  const fraction = fine && us % 1000 ? pad(us % 1e6, 6) : pad(Math.floor((us % 1e6) / 1e3), 3);
  return `+${days ? `${days}d ` : ''}${pad(Math.floor(s / 3600) % 24)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}.${fraction}`;
}

/** The virtual date, in UTC: 2026-01-31 00:00:01.002. */
function date(ns) {
  const at = new Date(report.started_at_unix_ms + Math.floor(ns / 1e6));
  return Number.isNaN(at.getTime()) ? offset(ns) : at.toISOString().slice(0, -1).replace('T', ' ');
}

// ---- Items: events and spans in one order, each in the lane of its process ----

const KINDS = {
  fault: ['Faults', 'M0-7 7 0 0 7-7 0Z'],
  effect: ['Effects', 'M6 0A6 6 0 1 1-6 0 6 6 0 1 1 6 0Z'],
  panic: ['Panics', 'M-6-3-3-6 0-3 3-6 6-3 3 0 6 3 3 6 0 3-3 6-6 3-3 0Z'],
  check: ['Checks', 'M0-6 7 6H-7Z'],
  test: ['Test', 'M-5-6H3L7 0 3 6H-5Z'],
  activity: ['Activities', 'M-7-5H7V5H-7Z'],
  update: ['Updates', 'M-7-4H3L7 0 3 4H-7Z'],
  workflow_task: ['Workflow tasks', 'M-7-2H7V3H-7Z'],
  log: ['Logs', 'M-3.5-3.5H3.5V3.5H-3.5Z'],
  rpc: ['RPCs', 'M-1-7H1V7H-1Z'],
};
const PATHS = Object.fromEntries(Object.entries(KINDS).map(([kind, [, path]]) => [kind, new Path2D(path)]));
const TRACKS = { activity: 17, update: 15, workflow_task: 10, rpc: 7 };

const lanes = report.processes.map((process, index) => ({ ...process, edges: layout.lives[index] }));
if (report.events.some((event) => !report.processes[event.process])) lanes.push({ name: 'the run', kind: 'everywhere', lives: [], edges: [] });
const laneOf = ({ process }) => (report.processes[process] ? process : lanes.length - 1);

const items = [
  ...report.spans.map((it, at) => {
    const { left, right, row } = layout.spans[at];
    return { ...it, span: true, from: it.from_ns, to: it.to_ns, step: it.from_step, lane: laneOf(it), x0: left, x1: right, row };
  }),
  ...report.events.map((it, at) => ({ ...it, from: it.at_ns, to: it.at_ns, lane: laneOf(it), x0: layout.events[at], x1: layout.events[at] })),
].sort((a, b) => a.x0 - b.x0);
items.forEach((item, index) => {
  Object.assign(item, { index, shown: true, related: 0 });
  item.title = item.span && item.outcome !== 'completed' ? `${item.label} (${words(item.outcome)})` : item.label;
  item.text = [item.title, item.detail, item.fault ?? '', item.workflow_id ?? '', item.activity_id ?? '', item.update_id ?? '', lanes[item.lane].name].join('\n');
  item.search = item.text.toLowerCase();
});
const itemsOf = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, items.filter((item) => item.kind === kind)]));
const keyMoments = items.filter((item) => item.important);

// From top to bottom: dates, lengths of breaks, then the lanes: a line for words, one for marks, and the bars in their rows.
const AXIS = 40, BREAKS = 20, WORDS = 16, MARKS = 22, MAP = 34;
let height = AXIS + BREAKS;
lanes.forEach((lane, index) => {
  lane.top = height;
  const wordy = lane.lives.some((life) => life.version) || keyMoments.some((item) => item.lane === index);
  let y = height + 5 + (wordy ? WORDS : 0);
  lane.marks = y + MARKS / 2;
  y += MARKS;
  for (const [kind, tall] of Object.entries(TRACKS)) {
    let rows = 0;
    for (const item of itemsOf[kind]) {
      if (!item.span || item.lane !== index) continue;
      item.y = y + item.row * tall;
      rows = Math.max(rows, item.row + 1);
    }
    y += rows * tall;
  }
  height = Math.max(y + 6, lane.top + 46);
  lane.bottom = height - 2;
});
for (const item of items) item.middle = item.span ? item.y + (TRACKS[item.kind] - 3) / 2 : lanes[item.lane].marks;

// ---- The view: which part of the time axis is on the canvas ----

const canvas = $('canvas'), minimap = $('minimap'), tip = $('tip'), list = $('list');
const context = canvas.getContext('2d');
const instants = layout.instants, end = instants.at(-1).right + 1;
const view = { x: -1, k: 1, width: 0, gutter: 130 };
const DEEPEST = 60;
const hidden = new Set();
let colors = {}, selected, hovered, range, listed = items, drawRequested = false;

const room = () => view.width - view.gutter;
const toPixel = (x) => view.gutter + (x - view.x) * view.k;
const toX = (pixel) => view.x + (pixel - view.gutter) / view.k;
const fitting = () => room() / (end + 1);

/** Every move ends here: `x` comes to the left edge, with `k` pixels a unit. */
function show(x, k) {
  view.k = clamp(k, fitting(), Math.max(DEEPEST, fitting()));
  view.x = clamp(x, -1, Math.max(-1, end - room() / view.k));
  requestDraw();
}
const fit = () => show(-1, 0);
const pan = (pixels) => show(view.x + pixels / view.k, view.k);

function zoom(factor, pixel = (view.gutter + view.width) / 2) {
  const x = toX(pixel), k = clamp(view.k * factor, fitting(), Math.max(DEEPEST, fitting()));
  show(x - (pixel - view.gutter) / k, k);
}

function showRange(x0, x1, most = DEEPEST) {
  const k = clamp(room() / Math.max(x1 - x0, 1e-6), fitting(), most);
  show((x0 + x1) / 2 - room() / k / 2, k);
}

/** Brings an item into sight, near enough to tell it from its neighbours. */
function reveal(item) {
  const near = Math.max(view.k, 5);
  if (view.k < near || toPixel(item.x0) < view.gutter + 30 || toPixel(item.x1) > view.width - 60) showRange(item.x0, item.x1, near);
}

function resize() {
  const wide = canvas.parentElement.clientWidth, ratio = window.devicePixelRatio || 1;
  if (!wide) return;
  const whole = !view.width || view.k <= fitting() * 1.001;
  Object.assign(view, { width: wide, gutter: wide < 600 ? 78 : 130 });
  for (const [node, tall] of [[canvas, height], [minimap, MAP]]) {
    node.style.height = `${tall}px`;
    Object.assign(node, { width: Math.round(wide * ratio), height: Math.round(tall * ratio) });
    node.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  if (whole) fit(); else show(view.x, view.k);
}

function readColors() {
  const style = getComputedStyle(document.documentElement);
  const names = ['card', 'ink', 'soft', 'line', 'accent', 'bad', 'life', 'life-edge', ...Object.keys(KINDS)];
  colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  requestDraw();
}

// ---- Selection and details ----

/** Whether a text names an id, and not only a longer one that contains it. */
function mentions(text, id) {
  for (let at = text.indexOf(id); id && at >= 0; at = text.indexOf(id, at + 1)) {
    if (!/[\w-]/.test(text[at - 1] ?? ' ') && !/[\w-]/.test(text[at + id.length] ?? ' ')) return true;
  }
  return false;
}

const partOf = (item) => item.activity_id ?? item.update_id;

/** Marks what belongs to the same workflow (1) and to the same activity or update (2). Without ids, what is said about them must do. */
function relate(item) {
  const workflow = item && (item.workflow_id ?? report.workflows.find((it) => mentions(item.text, it.workflow_id))?.workflow_id);
  for (const other of items) {
    const same = workflow !== undefined && (other.workflow_id === undefined ? mentions(other.text, workflow) : other.workflow_id === workflow);
    other.related = !same ? 0 : partOf(item) !== undefined && partOf(other) === partOf(item) && (item.update_id === undefined) === (other.update_id === undefined) ? 2 : 1;
  }
  if (!item) return;
  const chain = items.filter((other) => other.related === 2);
  Object.assign(item, { workflow, chain, hasRelated: items.some((other) => other !== item && other.related) });
}

function select(item, moves = true) {
  selected = item;
  relate(item);
  if (item && moves) reveal(item);
  scrollTo(item);
  renderDetails();
  renderRows();
  requestDraw();
}

/** Selects the next or previous item of a list, from the selected one or from the middle of the view. */
function step(among, direction) {
  const here = toX((view.gutter + view.width) / 2);
  const from = selected ? selected.index : firstAtLeast(items.length, (at) => items[at].x0, here) - (direction > 0 ? 1 : 0);
  const to = direction > 0 ? among.find((item) => item.index > from) : among.findLast((item) => item.index < from);
  if (among.length) select(to ?? among.at(direction > 0 ? 0 : -1));
}

const shape = (kind) => el('svg', { class: 'shape', viewBox: '-8 -8 16 16', 'aria-hidden': 'true' }, el('path', { d: KINDS[kind][1], fill: `var(--${kind})` }));
const cells = (item) => [el('time', {}, offset(item.from)), el('span', { class: 'who' }, lanes[item.lane].name), shape(item.kind), el('span', {}, item.title)];

function briefList(among) {
  const entry = (item) => el('li', {}, el('button', { type: 'button', 'aria-current': String(item === selected), click: () => select(item) }, ...cells(item)));
  return el('ul', { class: 'brief' }, ...among.slice(0, 60).map(entry));
}

function renderDetails() {
  const details = $('details'), item = selected;
  if (!item) {
    const hint = 'Select a mark in the timeline or a line in the list to see all about it, and what belongs to it.';
    details.replaceChildren(...(keyMoments.length ? [el('h2', {}, 'Key moments'), briefList(keyMoments)] : []), el('p', { class: 'empty' }, hint));
    return;
  }
  const took = item.span ? [['Until', `${date(item.to)} UTC`], ['Took', duration(item.to - item.from)], ['Outcome', words(item.outcome)]] : [];
  const workflow = report.workflows.find((it) => it.workflow_id === item.workflow);
  const link = workflow && el('button', { type: 'button', class: 'link', click: () => openHistory(workflow) }, item.workflow);
  const facts = [['Kind', words(item.kind)], ['Process', lanes[item.lane].name], ['Virtual date', `${date(item.from)} UTC`],
    ['Since the start', offset(item.from, true)], ...took, ['Step', item.step], ['Fault', item.fault && words(item.fault)],
    ['Workflow', link ?? item.workflow], ['Activity', item.activity_id], ['Update', item.update_id]].filter(([, value]) => value !== undefined && value !== null);
  details.replaceChildren(el('h2', {}, shape(item.kind), el('span', {}, item.label)),
    el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])), ...(item.detail ? [el('pre', {}, item.detail)] : []));
  if (!item.hasRelated) return;
  const chained = item.chain.length > 1, near = chained ? item.chain : items.filter((other) => other.related), at = near.indexOf(item);
  details.append(el('h3', {}, chained ? `The same ${item.update_id === undefined ? 'activity' : 'update'}` : 'The same workflow'), briefList(near.slice(Math.max(0, at - 8), at + 12)));
}

// ---- The list: only the rows in sight exist ----

const ROW = 26;

function applyFilters() {
  const text = $('search').value.trim().toLowerCase(), process = $('process').value, keyOnly = $('key-only').checked;
  for (const item of items) item.shown = !text || item.search.includes(text);
  const wanted = (item) => item.shown && !hidden.has(item.kind) && (!keyOnly || item.important) && (!process || item.lane === Number(process));
  listed = items.filter(wanted);
  $('count').value = `${thousands(listed.length)} of ${thousands(items.length)}`;
  $('rows').style.height = `${listed.length * ROW}px`;
  scrollTo(selected);
  renderRows();
  requestDraw();
}

function renderRows() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  $('rows').replaceChildren(...listed.slice(first, first + Math.ceil(list.clientHeight / ROW) + 8).map((item, at) => {
    const row = el('div', { class: `row${item.important ? ' important' : ''}${item.related ? ' related' : ''}`, role: 'option', id: `item-${item.index}`, title: item.title,
      'aria-selected': String(item === selected), 'aria-posinset': first + at + 1, 'aria-setsize': listed.length, click: () => select(item) }, ...cells(item));
    row.style.top = `${(first + at) * ROW}px`;
    return row;
  }));
  list.setAttribute('aria-activedescendant', selected ? `item-${selected.index}` : '');
}

function scrollTo(item) {
  const top = listed.indexOf(item) * ROW;
  if (top >= 0 && (top < list.scrollTop || top + ROW > list.scrollTop + list.clientHeight)) list.scrollTop = top - list.clientHeight / 2;
}

function listKeys(event) {
  const page = Math.floor(list.clientHeight / ROW) - 1;
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
  if (event.key === 'Escape') select(undefined);
  if (!by || !listed.length) return;
  event.preventDefault();
  const at = listed.indexOf(selected);
  select(listed[at < 0 ? 0 : clamp(at + by, 0, listed.length - 1)]);
}

// ---- Mouse, touch and keys on the timeline ----

function itemAt(x, y) {
  let best, least = 10;
  for (const { item, x0, x1, y0, y1 } of hits) {
    const away = Math.max(x0 - x, x - x1, 0) + 2 * Math.max(y0 - y, y - y1, 0);
    if (away < least || (away === 0 && least === 0)) [best, least] = [item, away];
  }
  return best;
}

function hover({ offsetX: x, offsetY: y }) {
  const item = x > view.gutter ? itemAt(x, y) : undefined;
  tip.hidden = !item;
  canvas.style.cursor = item ? 'pointer' : y < AXIS ? 'col-resize' : 'grab';
  if (item) {
    const took = item.span ? `, took ${duration(item.to - item.from)}` : '';
    tip.replaceChildren(item.title, el('small', {}, `${date(item.from)} UTC, ${offset(item.from)}${took}`));
    tip.style.left = `${clamp(x + 14, 0, view.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.min(y + MAP + 18, height + MAP - tip.offsetHeight)}px`;
  }
  if (item !== hovered) requestDraw();
  hovered = item;
}

function bindCanvas() {
  let drag;
  const on = (type, act) => canvas.addEventListener(type, act, { passive: false });
  on('pointerdown', (event) => {
    if (event.button) return;
    drag = { x: event.offsetX, y: event.offsetY, last: event.offsetX, moved: false, range: event.shiftKey || event.offsetY < AXIS };
    canvas.setPointerCapture(event.pointerId);
  });
  on('pointermove', (event) => {
    if (!drag) return hover(event);
    drag.moved ||= Math.abs(event.offsetX - drag.x) > 4;
    if (!drag.moved) return;
    tip.hidden = true;
    if (drag.range) range = [drag.x, event.offsetX]; else pan(drag.last - event.offsetX);
    drag.last = event.offsetX;
    requestDraw();
  });
  on('pointerup', () => {
    if (range) showRange(toX(Math.min(...range)), toX(Math.max(...range)));
    else if (drag && !drag.moved) select(itemAt(drag.x, drag.y), false);
    drag = range = undefined;
  });
  on('pointercancel', () => { drag = range = undefined; requestDraw(); });
  on('pointerleave', () => { tip.hidden = true; hovered = undefined; requestDraw(); });
  on('dblclick', (event) => zoom(3, event.offsetX));
  on('wheel', (event) => {
    event.preventDefault();
    tip.hidden = true;
    const pixels = event.deltaMode ? 16 : 1, sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (sideways) pan((event.deltaX || event.deltaY) * pixels); else zoom(Math.exp(-event.deltaY * pixels * 0.002), Math.max(event.offsetX, view.gutter));
  });
  const shown = () => items.filter((item) => item.shown && !hidden.has(item.kind));
  const keys = {
    ArrowLeft: () => pan(-120), ArrowRight: () => pan(120), Home: () => show(-1, view.k), End: () => show(end, view.k),
    '+': () => zoom(1.5), '=': () => zoom(1.5), '-': () => zoom(1 / 1.5), 0: fit, Escape: () => select(undefined),
    n: () => step(keyMoments, 1), p: () => step(keyMoments, -1), '.': () => step(shown(), 1), ',': () => step(shown(), -1),
  };
  on('keydown', (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  const centre = (event) => show((event.offsetX - 10) / (view.width - 20) * end - room() / view.k / 2, view.k);
  minimap.addEventListener('pointerdown', (event) => { minimap.setPointerCapture(event.pointerId); centre(event); });
  minimap.addEventListener('pointermove', (event) => event.buttons && centre(event));
}

// ---- Tabs, and putting it together ----

function markTab(tab) {
  for (const other of tab.parentElement.children) {
    other.setAttribute('aria-selected', String(other === tab));
    other.tabIndex = other === tab ? 0 : -1;
  }
}

function chooseTab(tab) {
  markTab(tab);
  for (const name of ['timeline', 'histories', 'output']) $(name).hidden = tab.id !== `tab-${name}`;
  if (tab.id === 'tab-histories' && !$('workflows').children.length) renderWorkflows();
}

function bindTabs(tabs, [back, forth]) {
  tabs.addEventListener('keydown', (event) => {
    const to = { [back]: document.activeElement.previousElementSibling, [forth]: document.activeElement.nextElementSibling }[event.key];
    if (!to) return;
    event.preventDefault();
    to.focus();
    to.click();
  });
}

async function copyCommand() {
  const command = $('repeat');
  getSelection().selectAllChildren(command);
  const copied = await navigator.clipboard?.writeText(command.textContent).then(() => true, () => false);
  $('copy').textContent = copied || document.execCommand('copy') ? 'Copied' : 'Press Ctrl+C';
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 2000);
}

function kindButton(kind) {
  const toggle = ({ currentTarget: button }) => {
    if (!hidden.delete(kind)) hidden.add(kind);
    button.setAttribute('aria-pressed', String(!hidden.has(kind)));
    applyFilters();
  };
  const name = `${KINDS[kind][0]} ${thousands(itemsOf[kind].length)}`;
  return el('button', { type: 'button', 'aria-pressed': 'true', title: `Show or hide ${words(kind)}`, click: toggle }, shape(kind), name);
}

function main() {
  $('kinds').append(...Object.keys(KINDS).filter((kind) => itemsOf[kind].length).map(kindButton));
  $('process').append(...lanes.map((lane, index) => el('option', { value: index }, lane.name)));
  $('tab-histories').append(` (${report.workflows.length})`);
  for (const id of ['search', 'process', 'key-only']) $(id).addEventListener('input', applyFilters);
  $('workflow-search').addEventListener('input', renderWorkflows);
  list.addEventListener('scroll', renderRows);
  list.addEventListener('keydown', listKeys);
  $('copy').addEventListener('click', copyCommand);
  const tools = { previous: () => step(keyMoments, -1), next: () => step(keyMoments, 1), 'zoom-out': () => zoom(1 / 1.8), 'zoom-in': () => zoom(1.8), fit };
  for (const [id, act] of Object.entries(tools)) $(id).addEventListener('click', act);
  for (const id of ['previous', 'next']) $(id).hidden = !keyMoments.length;
  for (const tab of document.querySelectorAll('nav [role=tab]')) tab.addEventListener('click', () => chooseTab(tab));
  bindTabs(document.querySelector('nav'), ['ArrowLeft', 'ArrowRight']);
  bindTabs($('workflows'), ['ArrowUp', 'ArrowDown']);
  bindCanvas();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readColors);
  new ResizeObserver(resize).observe($('chart'));
  readColors();
  resize();
  // A long run opens where it went wrong.
  if (keyMoments.length && items.length > 400) showRange(keyMoments[0].x0 - 12, keyMoments.at(-1).x1 + 12);
  applyFilters();
  scrollTo(keyMoments[0]);
  renderDetails();
}
main();
