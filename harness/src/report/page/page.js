// The report's page: a timeline on a canvas, a list of the same things, and the histories. `html.rs` puts this script behind the
// data it reads; `model.rs` names the fields of `report`, `timeline.rs` computes `scale`.
//
// Everything in the report is foreign text: it reaches the page as text nodes only, never as markup.
(() => {
'use strict';
const { report, scale } = JSON.parse(document.getElementById('data').textContent);

// ---- Elements, numbers, words ----

const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const node = tag === 'svg' || tag === 'path' ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

/** The first index whose value is at least `value`. */
function lowerBound(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const pad = (number, width = 2) => String(number).padStart(width, '0');
const words = (name) => name.replaceAll('_', ' ');
const UNITS = [['day', 86400e9], ['h', 3600e9], ['min', 60e9], ['s', 1e9], ['ms', 1e6], ['µs', 1e3], ['ns', 1]];

/** A length of time in its two largest units, or in one, short. */
function duration(ns, short = false) {
  const at = UNITS.findIndex(([, unit]) => ns >= unit);
  if (at < 0) return '0 s';
  const [name, unit] = UNITS[at];
  const count = Math.floor(ns / unit);
  if (short) return `${count} ${name[0] === 'd' ? 'd' : name}`;
  const next = UNITS[at + 1];
  const rest = next && unit >= 1e9 && count < 100 ? Math.floor((ns % unit) / next[1]) : 0;
  return `${count} ${name}${name === 'day' && count !== 1 ? 's' : ''}${rest ? ` ${rest} ${next[0]}` : ''}`;
}

/** Since the start: +30d 00:00:01.002, with microseconds where there are any and they are asked for. */
function offset(ns, fine = false) {
  const us = Math.floor(ns / 1e3);
  const s = Math.floor(us / 1e6);
  const days = Math.floor(s / 86400);
  const fraction = fine && us % 1000 ? pad(us % 1e6, 6) : pad(Math.floor((us % 1e6) / 1e3), 3);
  return `+${days ? `${days}d ` : ''}${pad(Math.floor(s / 3600) % 24)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}.${fraction}`;
}

/** The virtual date, in UTC: 2026-01-31 00:00:01.002. */
function date(ns) {
  const at = new Date(report.started_at_unix_ms + Math.floor(ns / 1e6));
  return Number.isNaN(at.getTime()) ? offset(ns) : at.toISOString().slice(0, -1).replace('T', ' ');
}

// ---- Items: events and spans in one order ----

const KINDS = {
  fault: { name: 'Faults', shape: 'M0-7 7 0 0 7-7 0Z' },
  effect: { name: 'Effects', shape: 'M6 0A6 6 0 1 1-6 0 6 6 0 1 1 6 0Z' },
  panic: { name: 'Panics', shape: 'M-6-3-3-6 0-3 3-6 6-3 3 0 6 3 3 6 0 3-3 6-6 3-3 0Z' },
  check: { name: 'Checks', shape: 'M0-6 7 6H-7Z' },
  test: { name: 'Test', shape: 'M-5-6H3L7 0 3 6H-5Z' },
  activity: { name: 'Activities', shape: 'M-7-5H7V5H-7Z' },
  workflow_task: { name: 'Workflow tasks', shape: 'M-7-2H7V3H-7Z' },
  log: { name: 'Logs', shape: 'M-3.5-3.5H3.5V3.5H-3.5Z' },
  rpc: { name: 'RPCs', shape: 'M-1-7H1V7H-1Z' },
};
const PATHS = Object.fromEntries(Object.entries(KINDS).map(([kind, { shape }]) => [kind, new Path2D(shape)]));
const TRACKS = { activity: { height: 17, rows: 3 }, workflow_task: { height: 10, rows: 2 }, rpc: { height: 7, rows: 2 } };

const nobody = report.events.some((event) => report.processes[event.process] === undefined);
const lanes = [...report.processes, ...(nobody ? [{ name: 'everywhere', kind: 'the run', lives: [] }] : [])];
const laneOf = (process) => (report.processes[process] === undefined ? lanes.length - 1 : process);
const stepsAt = new Map();

function itemOfEvent(event) {
  return { ...event, from: event.at_ns, to: event.at_ns, lane: laneOf(event.process) };
}

function itemOfSpan(span) {
  return { ...span, span: true, from: span.from_ns, to: span.to_ns, lane: laneOf(span.process), important: false, step: span.from_step };
}

/** Where an edge of a span lies: among the events of its instant if its step is known. */
function edge(ns, step, otherwise) {
  const instant = lowerBound(scale.at_ns, ns);
  const [left, right] = [scale.left[instant], scale.right[instant]];
  const steps = stepsAt.get(instant);
  if (step === undefined || !steps) return left + (right - left) * otherwise;
  return left + (right - left) * clamp(lowerBound(steps, step) / Math.max(1, steps.length - 1), 0, 1);
}

function placedItems() {
  const events = report.events.map(itemOfEvent).sort((a, b) => a.from - b.from || a.step - b.step);
  for (const event of events) {
    const instant = lowerBound(scale.at_ns, event.from);
    if (!stepsAt.has(instant)) stepsAt.set(instant, []);
    const steps = stepsAt.get(instant);
    event.rank = steps.push(event.step) - 1;
    event.instant = instant;
  }
  for (const event of events) {
    const [left, right] = [scale.left[event.instant], scale.right[event.instant]];
    event.x0 = event.x1 = left + (right - left) * event.rank / Math.max(1, stepsAt.get(event.instant).length - 1);
  }
  const spans = report.spans.map(itemOfSpan);
  for (const span of spans) {
    const same = span.from === span.to;
    span.x0 = edge(span.from, span.from_step, same ? 0 : 0.5);
    span.x1 = Math.max(span.x0, edge(span.to, span.to_step, same ? 1 : 0.5));
  }
  return [...spans, ...events].sort((a, b) => a.x0 - b.x0);
}

const items = placedItems();
items.forEach((item, index) => {
  item.index = index;
  item.shown = true;
  const foreign = [item.label, item.detail, item.fault, item.workflow_id, lanes[item.lane].name, item.outcome && words(item.outcome)];
  item.text = foreign.filter(Boolean).join('\n');
  item.search = item.text.toLowerCase();
});
const keyMoments = items.filter((item) => item.important);

// ---- Lanes: where things lie from top to bottom ----

const AXIS = 40, BREAKS = 20, MARKS = 24;
let height = AXIS + BREAKS;

function layOut(lane, index) {
  const versions = lane.lives.some((life) => life.version) ? 14 : 0;
  lane.top = height;
  lane.marks = height + 5 + versions + MARKS / 2;
  let y = height + 5 + versions + MARKS;
  for (const [kind, track] of Object.entries(TRACKS)) {
    const ends = [];
    for (const item of items) {
      if (!item.span || item.lane !== index || item.kind !== kind) continue;
      let row = ends.findIndex((end) => end <= item.x0);
      if (row < 0) row = ends.length < track.rows ? ends.length : ends.indexOf(Math.min(...ends));
      ends[row] = Math.max(item.x1, ends[row] ?? 0);
      item.y = y + row * track.height;
    }
    y += ends.length * track.height;
  }
  height = Math.max(y + 5, lane.top + 46);
  lane.bottom = height - 2;
}
lanes.forEach(layOut);

// ---- The view: which part of the axis is on the canvas ----

const canvas = $('canvas'), context = canvas.getContext('2d'), minimap = $('minimap');
const end = scale.right[scale.right.length - 1] + 2;
const view = { x: -1, k: 1, width: 0, gutter: 130 };
const deepest = 60;
let colors = {}, selected, hovered, range, overview, drawRequested = false;

const toPixel = (x) => view.gutter + (x - view.x) * view.k;
const toX = (pixel) => view.x + (pixel - view.gutter) / view.k;
const fitting = () => (view.width - view.gutter - 10) / (end + 1);

function show(x, k) {
  view.k = clamp(k, fitting(), Math.max(deepest, fitting()));
  view.x = clamp(x, -1, Math.max(-1, end - (view.width - view.gutter - 10) / view.k));
  requestDraw();
}
const fit = () => show(-1, 0);
const zoom = (factor, pixel = (view.gutter + view.width) / 2) => {
  const [x, k] = [toX(pixel), clamp(view.k * factor, fitting(), Math.max(deepest, fitting()))];
  show(x - (pixel - view.gutter) / k, k);
};
const pan = (pixels) => show(view.x + pixels / view.k, view.k);

function showRange(x0, x1, k = Infinity) {
  const room = view.width - view.gutter;
  const fitted = Math.min(k, room / Math.max(x1 - x0, room / deepest));
  show((x0 + x1) / 2 - room / fitted / 2, fitted);
}

/** Brings an item into sight, near enough to tell it from its neighbours. */
function reveal(item) {
  const [left, right] = [toPixel(item.x0), toPixel(item.x1)];
  const k = Math.max(view.k, Math.min(9, deepest));
  if (view.k < k || left < view.gutter + 30 || right > view.width - 60) showRange(item.x0, item.x1, k);
}

function resize() {
  const ratio = window.devicePixelRatio || 1;
  const whole = view.width === 0 || view.k <= fitting() * 1.001;
  view.width = canvas.parentElement.clientWidth;
  if (!view.width) return;
  view.gutter = view.width < 600 ? 78 : 130;
  for (const [node, tall] of [[canvas, height], [minimap, 34]]) {
    node.style.height = `${tall}px`;
    node.width = Math.round(view.width * ratio);
    node.height = Math.round(tall * ratio);
    node.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  overview = undefined;
  if (whole) fit(); else show(view.x, view.k);
}

function readColors() {
  const style = getComputedStyle(document.documentElement);
  const names = ['card', 'ink', 'soft', 'line', 'hover', 'accent', 'bad', 'life', 'life-edge', 'break', ...Object.keys(KINDS)];
  colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  overview = undefined;
  requestDraw();
}

// ---- Drawing ----

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const SMALL = FONT.replace('12px', '11px'), BOLD = `600 ${FONT}`;
const hits = { boxes: [], items: [] };

function requestDraw() {
  if (drawRequested) return;
  drawRequested = true;
  requestAnimationFrame(draw);
}

function draw() {
  drawRequested = false;
  if (!view.width) return;
  hits.boxes.length = hits.items.length = 0;
  context.clearRect(0, 0, view.width, height);
  context.textBaseline = 'middle';
  context.save();
  context.beginPath();
  context.rect(view.gutter, 0, view.width - view.gutter, height);
  context.clip();
  lanes.forEach(drawLives);
  drawBreaks();
  drawAxis();
  for (const kind of Object.keys(TRACKS)) drawSpans(kind);
  drawThread();
  for (const kind of Object.keys(KINDS).reverse()) drawMarks(kind);
  drawKeyMoments();
  if (range) {
    context.globalAlpha = 0.2;
    rectangle(Math.min(...range), 0, Math.abs(range[1] - range[0]), height, colors.accent);
    context.globalAlpha = 1;
  }
  context.restore();
  lanes.forEach(drawName);
  drawMinimap();
}

function rectangle(x, y, wide, tall, color) {
  context.fillStyle = color;
  context.fillRect(x, y, wide, tall);
}

function line(color, ...points) {
  context.strokeStyle = color;
  context.beginPath();
  points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

function write(text, x, y, color, font = FONT, room = Infinity) {
  context.font = font;
  let cut = text;
  if (room < Infinity && context.measureText(cut).width > room) {
    while (cut && context.measureText(`${cut}…`).width > room) cut = cut.slice(0, Math.min(cut.length - 1, Math.ceil(room / 5)));
    if (!cut) return 0;
    cut += '…';
  }
  context.fillStyle = color;
  context.fillText(cut, x, y);
  return context.measureText(cut).width;
}

const zigzag = (x, top, bottom) => {
  const points = [];
  for (let y = top, side = 0; y <= bottom; y += 5, side ^= 1) points.push([x + (side ? 3 : -3), y]);
  return points;
};

function drawName(lane) {
  const middle = (lane.top + lane.bottom) / 2;
  write(lane.name, 10, middle - 8, colors.ink, BOLD, view.gutter - 16);
  const crashes = lane.lives.filter((life) => life.ended === 'crash' || life.ended === 'panic').length;
  write(crashes ? `${crashes} ${crashes > 1 ? 'crashes' : 'crash'}` : lane.kind, 10, middle + 8, crashes ? colors.bad : colors.soft, SMALL, view.gutter - 16);
  rectangle(0, lane.bottom + 1, view.width, 1, colors.line);
}

function drawLives(lane) {
  context.setLineDash([2, 4]);
  line(colors['life-edge'], [view.gutter, lane.marks], [view.width, lane.marks]);
  context.setLineDash([]);
  let version;
  for (const life of lane.lives) {
    const x0 = Math.max(toPixel(edge(life.from_ns, undefined, 0)) - 5, view.gutter - 20);
    const x1 = Math.min(toPixel(edge(life.to_ns, undefined, 1)) + 5, view.width + 20);
    if (x1 < view.gutter || x0 > view.width) continue;
    rectangle(x0, lane.top + 3, x1 - x0, lane.bottom - lane.top - 5, colors.life);
    context.lineWidth = 1;
    context.strokeStyle = colors['life-edge'];
    context.strokeRect(x0 + 0.5, lane.top + 3.5, Math.max(0, x1 - x0 - 1), lane.bottom - lane.top - 6);
    if (life.version && life.version !== version) write(life.version, Math.max(x0, view.gutter) + 6, lane.top + 12, colors.soft, SMALL, x1 - x0 - 12);
    version = life.version;
    if (life.ended === 'crash' || life.ended === 'panic') {
      context.lineWidth = 2;
      line(colors.bad, ...zigzag(x1, lane.top + 3, lane.bottom - 2));
      line(colors.bad, [x1 - 5, lane.bottom - 15], [x1 + 5, lane.bottom - 5]);
      line(colors.bad, [x1 + 5, lane.bottom - 15], [x1 - 5, lane.bottom - 5]);
      context.lineWidth = 1;
    } else if (life.ended === 'shutdown') {
      rectangle(x1 - 3, lane.top + 3, 3, lane.bottom - lane.top - 5, colors.soft);
    }
  }
}

function drawBreaks() {
  const left = toX(view.gutter), right = toX(view.width);
  let lastLabel = -Infinity;
  for (let at = lowerBound(scale.breaks, Math.max(0, lowerBound(scale.left, left) - 1)); at < scale.breaks.length; at++) {
    const instant = scale.breaks[at];
    if (scale.right[instant] > right) break;
    const x0 = toPixel(scale.right[instant]) + 7, x1 = toPixel(scale.left[instant + 1]) - 7;
    if (x1 - x0 < 5) continue;
    const middle = (Math.max(x0, view.gutter) + Math.min(x1, view.width)) / 2;
    context.globalAlpha = 0.75;
    rectangle(x0, AXIS + BREAKS, x1 - x0, height, colors.break);
    context.globalAlpha = 1;
    line(colors['life-edge'], ...zigzag(middle - 3, AXIS + BREAKS, height));
    line(colors['life-edge'], ...zigzag(middle + 3, AXIS + BREAKS, height));
    const ns = scale.at_ns[instant + 1] - scale.at_ns[instant];
    context.font = SMALL;
    const text = [duration(ns), duration(ns, true)].find((it) => context.measureText(it).width < x1 - x0 + 10);
    const half = text ? context.measureText(text).width / 2 : 0;
    if (!text || middle - half < lastLabel + 4) continue;
    write(text, middle - half, AXIS + BREAKS / 2, colors.ink, SMALL);
    lastLabel = middle + half;
  }
}

/** Ticks stand at instants of the run. Each cell of a grid on the axis gets one at most, so that they stay while the view moves. */
function drawAxis() {
  const cell = 2 ** Math.ceil(Math.log2(150 / view.k));
  let free = -Infinity, day = '';
  for (let at = Math.floor(toX(view.gutter) / cell); at * cell < toX(view.width); at++) {
    const instant = lowerBound(scale.left, at * cell);
    if (instant >= scale.left.length || scale.left[instant] >= (at + 1) * cell) continue;
    const x = toPixel(scale.left[instant]);
    if (x < Math.max(free, view.gutter) || x > view.width - 90) continue;
    const [today, time] = date(scale.at_ns[instant]).split(' ');
    line(colors.line, [x, 4], [x, height]);
    const first = write(today === day ? time : `${today} ${time}`, x + 4, 12, colors.ink, SMALL);
    free = x + 14 + Math.max(first, write(offset(scale.at_ns[instant]), x + 4, 28, colors.soft, SMALL));
    day = today;
  }
  line(colors.line, [view.gutter, AXIS + 0.5], [view.width, AXIS + 0.5]);
}

const alphaOf = (item) => (!item.shown ? 0.12 : selected?.hasRelated && !item.related ? 0.22 : 1);

function hit(x0, x1, y0, y1, item) {
  hits.boxes.push(x0, x1, y0, y1);
  hits.items.push(item);
}

function drawSpans(kind) {
  if (hidden.has(kind)) return;
  const tall = TRACKS[kind].height - 3;
  const last = new Map();
  for (const item of items) {
    if (!item.span || item.kind !== kind) continue;
    const x0 = Math.max(toPixel(item.x0), view.gutter - 30), x1 = Math.min(toPixel(item.x1), view.width + 30);
    if (x1 < view.gutter || x0 > view.width) continue;
    const row = item.y;
    if (x1 - x0 < 1.5 && x0 - (last.get(row) ?? -9) < 1.5 && item !== selected) continue;
    last.set(row, x0);
    context.globalAlpha = alphaOf(item);
    drawSpan(item, x0, Math.max(x1 - x0, 3), tall);
    hit(x0, Math.max(x1, x0 + 3), item.y, item.y + tall, item);
  }
  context.globalAlpha = 1;
}

function drawSpan(item, x, wide, tall) {
  const { y, outcome, kind } = item;
  if (outcome !== 'lost') rectangle(x, y, wide, tall, colors[kind]);
  if (wide > 5 && outcome !== 'completed') drawOutcome(outcome, x, y, wide, tall, colors[kind]);
  if (item === selected || item === hovered || item.related === 2) {
    context.lineWidth = item === selected ? 3 : 1.5;
    context.strokeStyle = colors.ink;
    context.strokeRect(x - 1, y - 1, wide + 2, tall + 2);
    context.lineWidth = 1;
  }
  if (wide > 36 && tall > 10) {
    const ends = outcome === 'completed' || outcome === 'running' ? 8 : 22;
    write(item.label, Math.max(x, view.gutter) + 4, y + tall / 2 + 0.5, outcome === 'lost' ? colors.ink : colors.card, SMALL, x + wide - Math.max(x, view.gutter) - ends);
  }
}

/** How a span ended, in shapes: hatched, jagged, dashed, a clock, open. */
function drawOutcome(outcome, x, y, wide, tall, color) {
  const right = x + wide, middle = y + tall / 2, r = Math.min(5, tall / 2 - 1);
  if (outcome === 'failed') {
    for (let at = x + 4; at < right; at += 7) line(colors.card, [at, y + tall], [Math.min(right, at + tall / 2), y]);
    rectangle(right - 3, y, 3, tall, colors.bad);
  } else if (outcome === 'crashed') {
    context.lineWidth = 2;
    line(colors.bad, ...zigzag(right, y - 1, y + tall + 2));
    line(colors.card, [right - 14, middle - 3], [right - 7, middle + 4]);
    line(colors.card, [right - 7, middle - 3], [right - 14, middle + 4]);
    context.lineWidth = 1;
  } else if (outcome === 'lost') {
    context.setLineDash([4, 3]);
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    context.strokeRect(x + 0.5, y + 0.5, wide - 1, tall - 1);
    context.setLineDash([]);
    context.lineWidth = 1;
  } else if (outcome === 'timed_out') {
    context.beginPath();
    context.arc(right - r - 2, middle, r, 0, 7);
    context.fillStyle = colors.card;
    context.fill();
    line(colors.bad, [right - r - 2, middle - r + 1], [right - r - 2, middle], [right - 4, middle]);
  } else if (outcome === 'running') {
    for (let at = 2; at < 14; at += 4) rectangle(right - at, y, 2, tall, colors.card);
  }
}

/** A thread through everything that belongs to the selected activity, from process to process. */
function drawThread() {
  const chain = selected?.chain ?? [];
  if (chain.length < 2) return;
  context.setLineDash([5, 4]);
  context.lineWidth = 1.5;
  line(colors.accent, ...chain.map((item) => [toPixel(item.x0), item.span ? item.y + 7 : lanes[item.lane].marks]));
  context.setLineDash([]);
  context.lineWidth = 1;
}

function drawMarks(kind) {
  if (hidden.has(kind)) return;
  const last = new Map();
  const closest = kind === 'rpc' ? 1 : 3;
  for (const item of items) {
    if (item.span || item.kind !== kind) continue;
    const x = toPixel(item.x0);
    if (x < view.gutter - 10 || x > view.width + 10) continue;
    if (x - (last.get(item.lane) ?? -99) < closest && item !== selected && !item.important) continue;
    last.set(item.lane, x);
    drawMark(item, x);
  }
  context.globalAlpha = 1;
}

function drawMark(item, x) {
  const y = lanes[item.lane].marks;
  context.globalAlpha = alphaOf(item);
  if (item.kind === 'rpc' && item !== selected && item !== hovered && !item.fault) {
    rectangle(x - 0.75, y - 5, 1.5, 10, colors.rpc);
    hit(x - 3, x + 3, y - 6, y + 6, item);
    return;
  }
  context.translate(x, y);
  context.fillStyle = colors[item.kind];
  context.strokeStyle = item === selected || item.related === 2 ? colors.ink : colors.card;
  context.lineWidth = item === selected ? 4 : 1.5;
  context.stroke(PATHS[item.kind]);
  context.fill(PATHS[item.kind]);
  context.lineWidth = 1;
  context.translate(-x, -y);
  hit(x - 7, x + 7, y - 7, y + 7, item);
}

/** The moments that matter lie on top of all others and say what they are, as far as there is room up to the next. */
function drawKeyMoments() {
  const drawn = [...keyMoments, ...(selected && !selected.important ? [selected] : [])].filter((item) => !item.span && !hidden.has(item.kind));
  drawn.sort((a, b) => a.x0 - b.x0);
  for (const [at, item] of drawn.entries()) {
    const x = toPixel(item.x0);
    if (x < view.gutter - 10 || x > view.width) continue;
    const next = drawn.slice(at + 1).find((other) => other.lane === item.lane);
    const room = Math.min(next ? toPixel(next.x0) - 10 : Infinity, view.width - 6) - x - 12;
    context.globalAlpha = alphaOf(item);
    if (room > 34) {
      context.font = BOLD;
      const wide = Math.min(room, context.measureText(item.label).width);
      const y = lanes[item.lane].marks;
      context.globalAlpha *= 0.85;
      rectangle(x + 7, y - 9, wide + 6, 18, colors.card);
      context.globalAlpha = alphaOf(item);
      write(item.label, x + 10, y, colors.ink, BOLD, room);
    }
    drawMark(item, x);
  }
  context.globalAlpha = 1;
  if (selected) {
    context.setLineDash([3, 3]);
    line(colors.accent, [toPixel(selected.x0), AXIS], [toPixel(selected.x0), height]);
    context.setLineDash([]);
  }
}

/** How much happens where, and which part of it is in view. Drawn once for each size; the frame around the view moves. */
function drawMinimap() {
  const map = minimap.getContext('2d');
  const wide = view.width - 20, ratio = wide / end;
  if (!overview) {
    const density = new Float64Array(Math.ceil(wide) + 1);
    for (const item of items) density[Math.floor(item.x0 * ratio)]++;
    const most = Math.log(1 + Math.max(...density));
    overview = new Path2D();
    density.forEach((count, x) => count && overview.rect(10 + x, 30 - 20 * Math.log(1 + count) / most, 1, 20 * Math.log(1 + count) / most));
  }
  map.clearRect(0, 0, view.width, 34);
  map.fillStyle = colors.rpc;
  map.fill(overview);
  for (const item of items) {
    if (item.kind !== 'fault' && !item.important) continue;
    map.fillStyle = item.important ? colors.bad : colors.fault;
    map.fillRect(9.5 + item.x0 * ratio, item.important ? 2 : 6, item.important ? 2.5 : 1, item.important ? 30 : 8);
  }
  const x0 = 10 + Math.max(0, view.x) * ratio, x1 = 10 + Math.min(end, toX(view.width)) * ratio;
  map.globalAlpha = 0.16;
  map.fillStyle = colors.accent;
  map.fillRect(x0, 0, x1 - x0, 34);
  map.globalAlpha = 1;
  map.strokeStyle = colors.accent;
  map.lineWidth = 2;
  map.strokeRect(x0, 1, Math.max(2, x1 - x0), 32);
}

// ---- Selection ----

/** Whether a text names an id, and not only a longer one that contains it. */
function mentions(text, id) {
  for (let at = text.indexOf(id); id && at >= 0; at = text.indexOf(id, at + 1)) {
    if (!/[\w-]/.test(text[at - 1] ?? ' ') && !/[\w-]/.test(text[at + id.length] ?? ' ')) return true;
  }
  return false;
}

function relate(item) {
  const workflow = item?.workflow_id ?? report.workflows.find((it) => item && mentions(item.text, it.workflow_id))?.workflow_id;
  for (const other of items) {
    const same = workflow !== undefined && (other.workflow_id === undefined ? mentions(other.text, workflow) : other.workflow_id === workflow);
    other.related = !same ? 0 : item.activity_id !== undefined && other.activity_id === item.activity_id ? 2 : 1;
  }
  if (!item) return;
  item.workflow = workflow;
  item.chain = items.filter((other) => other.related === 2);
  item.hasRelated = items.some((other) => other !== item && other.related);
}

function select(item, { moves = true } = {}) {
  selected = item;
  relate(item);
  if (item && moves) reveal(item);
  if (item) scrollToItem(item);
  renderDetails();
  renderRows();
  requestDraw();
}

/** Selects the next or previous of the items in a list, from the selected one or from the middle of the view. */
function step(list, direction) {
  if (!list.length) return;
  const from = selected ? selected.index : lowerBound(items.map((item) => item.x0), toX((view.gutter + view.width) / 2)) - (direction > 0 ? 1 : 0);
  const after = list.filter((item) => (direction > 0 ? item.index > from : item.index < from));
  select((direction > 0 ? after[0] : after[after.length - 1]) ?? (direction > 0 ? list[0] : list[list.length - 1]));
}

const shape = (kind) => el('svg', { class: 'shape', viewBox: '-8 -8 16 16', 'aria-hidden': 'true' }, el('path', { d: KINDS[kind].shape, fill: `var(--${kind})` }));

function renderDetails() {
  const details = $('details');
  if (!selected) {
    details.replaceChildren(el('h2', {}, keyMoments.length ? 'Key moments' : 'Nothing selected'), relatedList(keyMoments),
      el('p', { class: 'empty' }, 'Select a mark in the timeline or a line in the list to see all about it, and what belongs to it.'));
    return;
  }
  const item = selected;
  const took = item.span ? [['Until', date(item.to)], ['Took', duration(item.to - item.from)], ['Outcome', words(item.outcome)]] : [];
  const facts = [['Kind', words(item.kind)], ['Process', lanes[item.lane].name], ['Virtual date', `${date(item.from)} UTC`], ['Since the start', offset(item.from, true)],
    ...took, ['Step', item.step], ['Fault', item.fault && words(item.fault)], ['Activity', item.activity_id]].filter(([, value]) => value !== undefined && value !== null);
  const list = el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, String(value))]));
  const workflow = report.workflows.find((it) => it.workflow_id === item.workflow);
  if (item.workflow !== undefined) {
    const link = workflow ? el('button', { type: 'button', class: 'link', click: () => openHistory(workflow) }, item.workflow) : item.workflow;
    list.append(el('dt', {}, 'Workflow'), el('dd', {}, link));
  }
  const near = item.chain.length > 1 ? item.chain : items.filter((other) => other.related);
  const at = near.indexOf(item);
  details.replaceChildren(el('h2', {}, shape(item.kind), el('span', {}, item.label)), list, ...(item.detail ? [el('pre', {}, item.detail)] : []));
  if (item.hasRelated) details.append(el('h3', {}, item.chain.length > 1 ? 'The same activity' : 'The same workflow'), relatedList(near.slice(Math.max(0, at - 8), at + 12)));
}

function relatedList(list) {
  const entry = (item) => el('li', {}, el('button', { type: 'button', 'aria-current': String(item === selected), click: () => select(item) },
    el('time', {}, offset(item.from)), el('span', { class: 'who' }, lanes[item.lane].name), shape(item.kind), el('span', {}, labelOf(item))));
  return el('ul', { class: 'related-list' }, ...list.slice(0, 60).map(entry));
}

const labelOf = (item) => (item.span && item.outcome !== 'completed' ? `${item.label} (${words(item.outcome)})` : item.label);

// ---- The list ----

const ROW = 26, list = $('list');
const hidden = new Set();
let listed = items;

function applyFilters() {
  const text = $('search').value.trim().toLowerCase(), process = $('process').value, keyOnly = $('key-only').checked;
  for (const item of items) item.shown = !text || item.search.includes(text);
  listed = items.filter((item) => item.shown && !hidden.has(item.kind) && (!keyOnly || item.important) && (process === '' || item.lane === Number(process)));
  $('count').value = `${listed.length.toLocaleString('en')} of ${items.length.toLocaleString('en')}`;
  $('rows').style.height = `${listed.length * ROW}px`;
  if (selected) scrollToItem(selected);
  renderRows();
  requestDraw();
}

/** Only the rows in sight exist. */
function renderRows() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  const rows = listed.slice(first, first + Math.ceil(list.clientHeight / ROW) + 8).map((item, at) => {
    const look = `row${item.important ? ' important' : ''}${item.related ? ' related' : ''}`;
    const row = el('div', { class: look, role: 'option', id: `item-${item.index}`, 'aria-selected': String(item === selected), 'aria-posinset': first + at + 1,
      'aria-setsize': listed.length, title: labelOf(item), click: () => select(item) },
    el('time', {}, offset(item.from)), el('span', { class: 'who' }, lanes[item.lane].name), shape(item.kind), el('span', {}, labelOf(item)));
    row.style.top = `${(first + at) * ROW}px`;
    return row;
  });
  $('rows').replaceChildren(...rows);
  if (selected) list.setAttribute('aria-activedescendant', `item-${selected.index}`); else list.removeAttribute('aria-activedescendant');
}

function scrollToItem(item) {
  const at = listed.indexOf(item);
  if (at < 0) return;
  const [top, seen] = [at * ROW, list.clientHeight];
  if (top < list.scrollTop || top + ROW > list.scrollTop + seen) list.scrollTop = top - seen / 2;
}

function listKeys(event) {
  const page = Math.floor(list.clientHeight / ROW) - 1;
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (!(event.key in moves) || !listed.length) return;
  event.preventDefault();
  const at = listed.indexOf(selected);
  select(listed[clamp(at < 0 ? 0 : at + moves[event.key], 0, listed.length - 1)]);
}

// ---- Mouse, touch and keys on the timeline ----

function itemAt(x, y) {
  let best, distance = 12;
  for (let at = hits.items.length - 1; at >= 0; at--) {
    const [x0, x1, y0, y1] = hits.boxes.slice(at * 4, at * 4 + 4);
    const away = Math.max(x0 - x, x - x1, 0) + 2 * Math.max(y0 - y, y - y1, 0);
    if (away < distance) [best, distance] = [hits.items[at], away];
  }
  return best;
}

function hover(event) {
  const item = event.offsetX > view.gutter ? itemAt(event.offsetX, event.offsetY) : undefined;
  const tip = $('tip');
  tip.hidden = !item;
  if (item) {
    tip.replaceChildren(labelOf(item), el('small', {}, `${date(item.from)} UTC, ${offset(item.from)}${item.span ? `, took ${duration(item.to - item.from)}` : ''}`));
    tip.style.left = `${clamp(event.offsetX + 14, 0, Math.max(0, view.width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${Math.min(event.offsetY + 52, height + 34 - tip.offsetHeight)}px`;
  }
  canvas.style.cursor = item ? 'pointer' : event.offsetY < AXIS ? 'col-resize' : 'grab';
  if (item !== hovered) {
    hovered = item;
    requestDraw();
  }
}

function bindCanvas() {
  let start;
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    start = { x: event.offsetX, y: event.offsetY, last: event.offsetX, moved: false, range: event.shiftKey || event.offsetY < AXIS };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!start) return hover(event);
    start.moved ||= Math.abs(event.offsetX - start.x) > 4;
    if (!start.moved) return;
    $('tip').hidden = true;
    if (start.range) range = [start.x, event.offsetX]; else pan(start.last - event.offsetX);
    start.last = event.offsetX;
    requestDraw();
  });
  const release = (event) => {
    if (range) showRange(toX(Math.min(...range)), toX(Math.max(...range)));
    else if (start && !start.moved && event.type === 'pointerup') select(itemAt(start.x, start.y), { moves: false });
    start = range = undefined;
    requestDraw();
  };
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', release);
  canvas.addEventListener('pointerleave', () => { $('tip').hidden = true; hovered = undefined; requestDraw(); });
  canvas.addEventListener('dblclick', (event) => zoom(3, event.offsetX));
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) * pixels);
    else zoom(Math.exp(-event.deltaY * pixels * 0.002), Math.max(event.offsetX, view.gutter));
  }, { passive: false });
  const shownItems = () => items.filter((item) => item.shown && !hidden.has(item.kind));
  const keys = {
    ArrowLeft: () => pan(-120), ArrowRight: () => pan(120), '+': () => zoom(1.5), '=': () => zoom(1.5), '-': () => zoom(1 / 1.5), 0: fit,
    Home: () => show(-1, view.k), End: () => show(end, view.k), n: () => step(keyMoments, 1), p: () => step(keyMoments, -1),
    '.': () => step(shownItems(), 1), ',': () => step(shownItems(), -1), Escape: () => select(undefined),
  };
  canvas.addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  list.addEventListener('keydown', (event) => event.key === 'Escape' && select(undefined));
}

function bindMinimap() {
  const centre = (event) => {
    const x = (event.offsetX - 10) / (view.width - 20) * end;
    show(x - (view.width - view.gutter) / view.k / 2, view.k);
  };
  minimap.addEventListener('pointerdown', (event) => { minimap.setPointerCapture(event.pointerId); centre(event); });
  minimap.addEventListener('pointermove', (event) => event.buttons && centre(event));
}

// ---- Histories ----

const text = new TextDecoder();

/** Payloads in the readable form of their data, where they are JSON; the download keeps them as they are. */
function readable(value) {
  if (Array.isArray(value)) return value.map(readable);
  if (!value || typeof value !== 'object') return value;
  if (typeof value.data === 'string' && value.metadata) {
    try {
      return JSON.parse(text.decode(Uint8Array.from(atob(value.data), (char) => char.charCodeAt(0))));
    } catch {
      return value;
    }
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, readable(inner)]));
}

const typeName = (type) => String(type ?? '').replace(/^EVENT_TYPE_/, '').toLowerCase().replace(/(^|_)(.)/g, (_, __, char) => char.toUpperCase());

/** The first few attributes in one line. */
function summary(attributes) {
  const brief = (value) => value?.name ?? (typeof value === 'object' ? JSON.stringify(value) : String(value));
  const parts = Object.entries(attributes).filter(([name]) => !/EventId$|^identity$|^requestId$|^taskQueue$/.test(name)).slice(0, 3).map(([name, value]) => `${name}: ${brief(value)}`);
  const whole = parts.join(', ') || 'attributes';
  return whole.length > 140 ? `${whole.slice(0, 139)}…` : whole;
}

function historyRow(event) {
  const raw = Object.entries(event).find(([name]) => name.endsWith('EventAttributes'))?.[1] ?? {};
  const attributes = readable(raw);
  const type = typeName(event.eventType);
  const ns = (Date.parse(event.eventTime) - report.started_at_unix_ms) * 1e6;
  const details = el('details', { toggle: () => details.children.length < 2 && details.append(el('pre', {}, JSON.stringify(attributes, null, 2))) }, el('summary', {}, summary(attributes)));
  return el('tr', {}, el('td', {}, String(event.eventId ?? '')), el('td', {}, Number.isNaN(ns) ? '' : date(ns)), el('td', {}, ns >= 0 ? offset(ns) : ''),
    el('td', /Failed$|TimedOut$|Terminated$/.test(type) ? { class: 'bad' } : {}, type), el('td', {}, details));
}

function download(workflow) {
  const name = (workflow.file?.split(/[\\/]/).pop() || `${workflow.workflow_id}_${workflow.run_id}.json`).replace(/[^\w.@+=-]+/g, '_');
  const url = URL.createObjectURL(new Blob([JSON.stringify(workflow.history, null, 2)], { type: 'application/json' }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function showHistory(workflow) {
  const events = workflow.history?.events ?? [];
  const head = el('div', { class: 'history-head' },
    el('div', {}, el('h2', {}, workflow.workflow_id), el('p', {}, `${workflow.workflow_type}, ${words(workflow.status)}, run ${workflow.run_id}, ${events.length} events`),
      el('p', {}, `In the form of \`temporal workflow show --output json\`, for the Temporal Web UI and for replayers.${workflow.file ? ` Also in ${workflow.file}.` : ''}`)),
    el('button', { type: 'button', click: () => download(workflow) }, 'Download JSON'));
  const body = el('tbody');
  const table = el('table', {}, el('thead', {}, el('tr', {}, ...['Id', 'Virtual date (UTC)', 'Since the start', 'Event', 'Attributes'].map((name) => el('th', { scope: 'col' }, name)))), body);
  const more = (from) => {
    body.append(...events.slice(from, from + 500).map(historyRow));
    if (from + 500 < events.length) $('history').append(el('button', { type: 'button', click: (event) => { event.target.remove(); more(from + 500); } }, `Show more (${events.length - from - 500} left)`));
  };
  $('history').replaceChildren(head, table);
  more(0);
}

function openHistory(workflow) {
  chooseTab($('tab-histories'));
  $('workflow-search').value = '';
  renderWorkflows();
  const tab = $('workflows').children[report.workflows.indexOf(workflow)];
  tab?.click();
  tab?.focus();
}

function renderWorkflows() {
  const wanted = $('workflow-search').value.trim().toLowerCase();
  const found = report.workflows.filter((it) => !wanted || `${it.workflow_id} ${it.workflow_type} ${it.status}`.toLowerCase().includes(wanted));
  $('workflows').replaceChildren(...found.map((workflow, index) => el('button', { type: 'button', role: 'tab', 'aria-selected': 'false', 'aria-controls': 'history', tabindex: index ? -1 : 0,
    click: (event) => { markTab(event.currentTarget); showHistory(workflow); } }, workflow.workflow_id, el('small', {}, `${workflow.workflow_type}, ${words(workflow.status)}`))));
  if (found.length) $('workflows').firstChild.click();
  else $('history').replaceChildren(el('p', { class: 'empty' }, report.workflows.length ? 'No workflow matches.' : 'The run had no workflow.'));
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
  if (tab.id === 'tab-timeline') { resize(); renderRows(); }
  if (tab.id === 'tab-histories' && !$('workflows').children.length) renderWorkflows();
}

function bindTabs(tabs, [back, forth], choose) {
  tabs.addEventListener('keydown', (event) => {
    const all = [...tabs.children];
    const to = all.indexOf(document.activeElement) + (event.key === forth ? 1 : event.key === back ? -1 : NaN);
    if (!all[to]) return;
    event.preventDefault();
    all[to].focus();
    choose(all[to]);
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
  const count = items.filter((item) => item.kind === kind).length;
  if (!count) return undefined;
  const button = el('button', { type: 'button', 'aria-pressed': 'true', title: `Show or hide: ${KINDS[kind].name}`, click: () => {
    if (!hidden.delete(kind)) hidden.add(kind);
    button.setAttribute('aria-pressed', String(!hidden.has(kind)));
    applyFilters();
  } }, shape(kind), `${KINDS[kind].name} ${count.toLocaleString('en')}`);
  return button;
}

function main() {
  $('kinds').append(...Object.keys(KINDS).map(kindButton).filter(Boolean));
  $('process').append(...lanes.map((lane, index) => el('option', { value: index }, lane.name)));
  $('tab-histories').textContent += ` (${report.workflows.length})`;
  $('key-only').checked = keyMoments.length > 0 && items.length > 400;
  for (const id of ['search', 'process', 'key-only']) $(id).addEventListener('input', applyFilters);
  $('workflow-search').addEventListener('input', renderWorkflows);
  list.addEventListener('scroll', renderRows);
  list.addEventListener('keydown', listKeys);
  $('copy').addEventListener('click', copyCommand);
  const tools = { previous: () => step(keyMoments, -1), next: () => step(keyMoments, 1), 'zoom-out': () => zoom(1 / 1.8), 'zoom-in': () => zoom(1.8), fit };
  for (const [id, act] of Object.entries(tools)) $(id).addEventListener('click', act);
  for (const id of ['previous', 'next']) $(id).disabled = !keyMoments.length;
  for (const tab of document.querySelectorAll('nav [role=tab]')) tab.addEventListener('click', () => chooseTab(tab));
  bindTabs(document.querySelector('nav'), ['ArrowLeft', 'ArrowRight'], chooseTab);
  bindTabs($('workflows'), ['ArrowUp', 'ArrowDown'], (tab) => tab.click());
  bindCanvas();
  bindMinimap();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readColors);
  new ResizeObserver(resize).observe($('chart'));
  readColors();
  resize();
  if (keyMoments.length && items.length > 400) showRange(keyMoments[0].x0 - 12, keyMoments[keyMoments.length - 1].x1 + 30);
  applyFilters();
  renderDetails();
}
main();
})();
