// The timeline on its canvas. `page.js` says what there is, where it lies and which part of it is in view; `requestDraw` draws that
// part anew at the next frame, and leaves in `hits` where each thing came to lie.

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif', BOLD = `600 ${FONT.replace('11', '12')}`;
const hits = [];

function requestDraw() {
  if (!drawRequested) requestAnimationFrame(draw);
  drawRequested = true;
}

function draw() {
  drawRequested = false;
  if (!view.width) return;
  hits.length = 0;
  context.clearRect(0, 0, view.width, height);
  context.textBaseline = 'middle';
  context.save();
  context.beginPath();
  context.rect(view.gutter, 0, room(), height);
  context.clip();
  lanes.forEach(drawLives);
  drawBreaks();
  drawAxis();
  for (const kind of Object.keys(KINDS).reverse()) drawKind(kind);
  drawSelected();
  lanes.forEach(drawWords);
  if (range) fill(`color-mix(in srgb, ${colors.accent} 20%, transparent)`, Math.min(...range), 0, Math.abs(range[1] - range[0]), height);
  context.restore();
  lanes.forEach(drawName);
  write(firstDay()[0], 10, 12, colors.ink, FONT, view.gutter - 12);
  write('UTC', 10, 28, colors.soft);
  drawMinimap();
}

function fill(color, x, y, wide, tall) {
  context.fillStyle = color;
  context.fillRect(x, y, wide, tall);
}

function line(color, points, width = 1, dash = []) {
  context.strokeStyle = color;
  context.lineWidth = width;
  if (dash.length) context.setLineDash(dash);
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
  if (dash.length) context.setLineDash([]);
}

const frame = (color, x, y, wide, tall, width, dash) => line(color, [[x, y], [x + wide, y], [x + wide, y + tall], [x, y + tall], [x, y]], width, dash);
const cross = (color, x, y, r) => [1, -1].forEach((side) => line(color, [[x - r, y - r * side], [x + r, y + r * side]], 2));
const zigzag = (color, x, top, bottom, width = 1) =>
  line(color, Array.from({ length: Math.floor((bottom - top) / 5) + 1 }, (_, at) => [x + (at % 2 ? 3 : -3), top + at * 5]), width);

const widthOf = (text, font = FONT) => {
  context.font = font;
  return context.measureText(text).width;
};

/** As much of the text as fits, on a halo if it lies on other things; answers how wide it came out. */
function write(text, x, y, color, font = FONT, most = Infinity, halo = undefined) {
  let cut = text.slice(0, 200);
  while (cut && widthOf(cut, font) > most) cut = `${cut.slice(0, Math.min(cut.length - 2, Math.ceil(most / 5)))}…`.replace(/^…$/, '');
  if (halo) {
    Object.assign(context, { strokeStyle: halo, lineWidth: 5, lineJoin: 'round' });
    context.strokeText(cut, x, y);
  }
  context.fillStyle = color;
  context.fillText(cut, x, y);
  return cut ? widthOf(cut, font) : 0;
}

const crashed = (life) => life.ended === 'crash' || life.ended === 'panic';

function drawName(lane) {
  const crashes = lane.lives.filter(crashed).length, middle = (lane.top + lane.bottom) / 2;
  const second = crashes ? `${crashes} ${crashes > 1 ? 'crashes' : 'crash'}` : lane.kind === lane.name ? '' : lane.kind;
  write(lane.name, 10, second ? middle - 8 : middle, colors.ink, BOLD, view.gutter - 16);
  write(second, 10, middle + 8, crashes ? colors.bad : colors.soft, FONT, view.gutter - 16);
  fill(colors.line, 0, lane.bottom + 1, view.width, 1);
}

/** The lives of a process: a band each, and at its end what ended it. */
function drawLives(lane) {
  const top = lane.top + 3, tall = lane.bottom - lane.top - 5;
  const bands = lane.lives.map((life, at) => ({ life, x0: toPixel(lane.edges[at][0]) - 7, x1: toPixel(lane.edges[at][1]) + 7 }));
  const seen = bands.filter(({ x0, x1 }) => x1 > view.gutter - 9 && x0 < view.width + 9);
  line(colors['life-edge'], [[view.gutter, lane.marks], [view.width, lane.marks]], 1, [2, 4]);
  for (const { x0, x1 } of seen) {
    const from = Math.max(x0, view.gutter - 9), to = Math.min(x1, view.width + 9);
    fill(colors.life, from, top, to - from, tall);
    frame(colors['life-edge'], from + 0.5, top + 0.5, to - from - 1, tall - 1);
  }
  for (const { life, x1 } of seen) {
    if (crashed(life)) {
      zigzag(colors.bad, x1, top, top + tall, 2);
      cross(colors.bad, x1, top + tall - 8, 5);
    } else if (life.ended === 'shutdown') {
      fill(colors.soft, x1 - 4, top, 4, tall);
    }
  }
}

/** A tear through all lanes where nothing happens for long, with its length above it. */
function drawBreaks() {
  let free = view.gutter;
  const first = firstAtLeast(layout.breaks.length, (at) => instants[layout.breaks[at] + 1].left, toX(view.gutter));
  for (const instant of layout.breaks.slice(first)) {
    const [from, to] = [instants[instant], instants[instant + 1]];
    const x0 = Math.max(toPixel(from.right) + 8, view.gutter), x1 = Math.min(toPixel(to.left) - 8, view.width), middle = (x0 + x1) / 2;
    if (x0 > view.width) break;
    if (x1 - x0 < 6) continue;
    fill(colors.card, middle - 3, AXIS + BREAKS, 6, height);
    zigzag(colors['life-edge'], middle - 4, AXIS + BREAKS, height);
    zigzag(colors['life-edge'], middle + 4, AXIS + BREAKS, height);
    const fits = (text) => widthOf(text) < x1 - x0 + 12 && middle - widthOf(text) / 2 > free && middle + widthOf(text) / 2 < view.width;
    const text = [duration(to.at_ns - from.at_ns), duration(to.at_ns - from.at_ns, true)].find(fits);
    if (!text) continue;
    free = middle + widthOf(text) / 2 + 6;
    write(text, middle - widthOf(text) / 2, AXIS + BREAKS / 2, colors.ink);
  }
}

/** The day on which what is in view begins: it stands left of the axis. */
const firstDay = () => date((instantFrom(toX(view.gutter)) ?? instants.at(-1)).at_ns).split(' ');
const instantFrom = (x) => instants[firstAtLeast(instants.length, (index) => instants[index].left, x)];

/** Dates stand at instants of the run: each cell of a grid has one at most, so that they keep their places while the view moves. */
function drawAxis() {
  const cell = 2 ** Math.ceil(Math.log2((view.width < 600 ? 90 : 150) / view.k));
  let free = view.gutter, [day] = firstDay();
  for (let at = Math.floor(toX(view.gutter) / cell); at * cell < toX(view.width); at++) {
    const instant = instantFrom(at * cell);
    const x = instant ? toPixel(instant.left) : Infinity;
    if (x < free || x > Math.min(view.width - 90, toPixel((at + 1) * cell))) continue;
    const [today, time = ''] = date(instant.at_ns).split(' ');
    line(colors.line, [[x, 4], [x, height]]);
    const above = write(today === day ? time : `${today} ${time}`, x + 4, 12, colors.ink), below = write(offset(instant.at_ns), x + 4, 28, colors.soft);
    free = x + 14 + Math.max(above, below);
    day = today;
  }
  line(colors.line, [[view.gutter, AXIS + 0.5], [view.width, AXIS + 0.5]]);
}

/** All items of a kind in view. Of those that fall on one place only the first is drawn, unless it matters. */
function drawKind(kind) {
  if (hidden.has(kind)) return;
  const last = new Map();
  for (const item of itemsOf[kind]) {
    const x0 = Math.max(toPixel(item.x0), view.gutter - 30), x1 = Math.min(toPixel(item.x1), view.width + 30);
    if (x1 < view.gutter - 8 || x0 > view.width + 8) continue;
    const closest = item.span || kind === 'rpc' ? 2 : 5, place = item.related ? -item.middle : item.middle;
    if (x1 - x0 < closest && x0 - (last.get(place) ?? -99) < closest && item !== selected && item.related < 2 && !item.important) continue;
    last.set(place, x0);
    context.globalAlpha = !item.shown ? 0.12 : selected?.hasRelated && !item.related && !item.important ? 0.22 : 1;
    if (item.span) drawSpan(item, x0, Math.max(x1 - x0, 3), TRACKS[kind] - 3); else drawMark(item, x0);
  }
  context.globalAlpha = 1;
}

function drawMark(item, x) {
  const y = item.middle, small = item.kind === 'rpc' && item !== selected && item !== hovered;
  if (small) {
    fill(colors.rpc, x - 0.75, y - 5, 1.5, 10);
  } else {
    context.translate(x, y);
    context.fillStyle = colors[item.kind];
    context.strokeStyle = item === selected || item.related === 2 ? colors.ink : colors.card;
    context.lineWidth = item === selected ? 5 : item.related === 2 ? 3 : 1.5;
    context.stroke(PATHS[item.kind]);
    context.fill(PATHS[item.kind]);
    context.translate(-x, -y);
  }
  hits.push({ item, x0: x - (small ? 2 : 7), x1: x + (small ? 2 : 7), y0: y - 7, y1: y + 7 });
}

function drawSpan(item, x, wide, tall) {
  const { y, outcome } = item, right = x + wide;
  if (outcome !== 'lost') fill(colors[item.kind], x, y, wide, tall);
  if (wide > 5 && outcome !== 'completed') drawOutcome(item, x, right, tall);
  if (item === selected || item === hovered || item.related === 2) frame(colors.ink, x - 1, y - 1, wide + 2, tall + 2, item === selected ? 3 : 1.5);
  const from = Math.max(x, view.gutter) + 4, clear = { completed: 3, running: 14 }[outcome] ?? 17;
  if (wide > 36 && tall > 10) write(item.label, from, y + tall / 2 + 0.5, outcome === 'lost' ? colors.ink : colors.card, FONT, right - from - clear);
  hits.push({ item, x0: x, x1: right, y0: y, y1: y + tall });
}

/** How a span ended, in shapes: hatched, jagged, dashed, a clock, open. */
function drawOutcome({ outcome, y, kind }, x, right, tall) {
  const middle = y + tall / 2, r = Math.min(5, tall / 2);
  if (outcome === 'failed') {
    for (let at = x + 4; at < right; at += 7) line(colors.card, [[at, y + tall], [Math.min(right, at + tall / 2), y]]);
    fill(colors.bad, right - 4, y - 1, 4, tall + 2);
  } else if (outcome === 'crashed') {
    zigzag(colors.bad, right, y - 1, y + tall + 2, 2);
    cross(colors.card, right - 9, middle, Math.min(3.5, r));
  } else if (outcome === 'lost') {
    frame(colors[kind], x + 0.5, y + 0.5, right - x - 1, tall - 1, 1.5, [4, 3]);
  } else if (outcome === 'running') {
    for (let at = 3; at < 14; at += 4) fill(colors.life, right - at, y, 2, tall);
  }
}

/** What is selected has a line through all lanes, and a thread through the attempts of its activity, or from the callers of its update to its handlers. */
function drawSelected() {
  if (!selected) return;
  line(colors.accent, [[toPixel(selected.x0), AXIS], [toPixel(selected.x0), height]], 1, [3, 3]);
  if (selected.chain.length > 1) line(colors.accent, selected.chain.map((item) => [toPixel(item.x0), item.middle]), 2, [6, 4]);
  if (!selected.span && !hidden.has(selected.kind)) drawMark(selected, toPixel(selected.x0));
}

/** Above the marks of a lane: what the key moments are, as far as there is room between one and the next, and the code's versions. */
function drawWords(lane, index) {
  const y = lane.marks - MARKS / 2 - WORDS / 2 + 2;
  const moments = keyMoments.filter((item) => item.lane === index && !hidden.has(item.kind) && !item.span);
  let free = view.gutter + 4;
  moments.forEach((item, at) => {
    const x = toPixel(item.x0), wide = widthOf(item.label, BOLD);
    if (x < view.gutter || x > view.width) return;
    const next = moments[at + 1] ? toPixel(moments[at + 1].x0) - 14 : view.width;
    const until = Math.min(x, view.width - 12) + 6;
    const right = Math.min(next, view.width - 6) - x + 6, left = until - free;
    const from = right >= wide || right >= left ? x - 6 : Math.max(free, until - wide);
    const most = from === x - 6 ? right : left;
    if (most > 40 && x - 6 >= free - 6) free = Math.max(from, free) + write(item.label, Math.max(from, free), y, colors.ink, BOLD, most, colors.life) + 8;
  });
  let before;
  lane.lives.forEach(({ version }, at) => {
    const x0 = Math.max(toPixel(lane.edges[at][0]), view.gutter + 6), x1 = toPixel(lane.edges[at][1]);
    const taken = moments.some((item) => toPixel(item.x0) > x0 - 150 && toPixel(item.x0) < x0 + 150);
    if (!version || version === before || taken || x1 - x0 < 12 || x0 > view.width) return;
    write(version, x0, y, colors.soft, FONT, x1 - x0);
    before = version;
  });
}

/** How much happens where, and which part of it is in view. */
function drawMinimap() {
  const map = minimap.getContext('2d'), wide = view.width - 20, ratio = wide / end;
  const bar = (color, x, y, w, h) => { map.fillStyle = color; map.fillRect(x, y, w, h); };
  const density = new Uint32Array(Math.ceil(wide / 2) + 1);
  for (const item of items) density[Math.floor(item.x0 * ratio / 2)]++;
  const most = Math.log(1 + density.reduce((a, b) => Math.max(a, b)));
  map.clearRect(0, 0, view.width, MAP);
  density.forEach((count, at) => count && bar(colors.rpc, 10 + at * 2, MAP - 3 - 18 * Math.log(1 + count) / most, 1.5, 18 * Math.log(1 + count) / most));
  for (const item of itemsOf.fault) bar(colors.fault, 9.5 + item.x0 * ratio, 4, 1, 8);
  for (const item of keyMoments) bar(colors.bad, 9 + item.x0 * ratio, 2, 2.5, MAP - 4);
  const x0 = 10 + Math.max(0, view.x) * ratio, x1 = Math.max(x0 + 3, 10 + Math.min(end, toX(view.width)) * ratio);
  map.globalAlpha = 0.14;
  bar(colors.accent, x0, 0, x1 - x0, MAP);
  map.globalAlpha = 1;
  map.strokeStyle = colors.accent;
  map.strokeRect(x0, 0.5, x1 - x0, MAP - 1);
}
