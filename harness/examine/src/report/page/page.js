// The table of all histories. It writes text nodes only: what a history is called may be anything.
const { histories } = JSON.parse(document.getElementById('data').textContent);
const section = document.getElementById('histories');
const search = document.getElementById('search');
const verdict = document.getElementById('verdict');
const count = document.getElementById('count');
const rows = document.getElementById('rows');
const more = document.getElementById('more');
// More rows at once would make a browser wait.
const STEP = 200;
let shown = STEP;

const words = { could_not_tell: 'could not be told' };
const texts = histories.map((it) => [it.name, it.workflow_type, it.run.workflow_id, it.run.run_id, it.task_queue, it.why].join('\n').toLowerCase());

// Without what would turn the direction of reading.
const printable = (text) => String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (it) => '\\u{' + it.charCodeAt(0).toString(16) + '}');

function element(name, text, className) {
  const made = document.createElement(name);
  if (text) made.textContent = printable(text);
  if (className) made.className = className;
  return made;
}

function cell(text, note) {
  const made = element('td', text);
  if (note) made.append(element('small', note));
  return made;
}

function row(history) {
  const made = element('tr');
  const word = element('span', words[history.verdict] || history.verdict, 'word ' + history.verdict);
  const verdict = element('td');
  if (history.cause === null) {
    verdict.append(word);
  } else {
    const link = element('a');
    link.href = '#' + history.verdict + '-' + history.cause;
    link.append(word);
    verdict.append(link);
  }
  const others = history.runs_count > 1 ? 'stands for ' + history.runs_count + ' runs' : '';
  const events = history.events_count + (history.run.is_open ? ', open' : '');
  made.append(verdict, cell(history.run.workflow_id || 'without an id', history.workflow_type), cell(history.name, others), cell(events), cell(history.why.split('\n')[0]));
  return made;
}

function draw() {
  const wanted = search.value.trim().toLowerCase().split(/\s+/);
  const found = histories.filter((it, at) => (!verdict.value || it.verdict === verdict.value) && wanted.every((word) => texts[at].includes(word)));
  rows.replaceChildren(...found.slice(0, shown).map(row));
  count.textContent = found.length === histories.length ? found.length + ' histories' : found.length + ' of ' + histories.length + ' histories';
  more.hidden = found.length <= shown;
}

for (const input of [search, verdict]) {
  input.addEventListener('input', () => {
    shown = STEP;
    draw();
  });
}
more.addEventListener('click', () => {
  shown += STEP;
  draw();
});
section.querySelector('.filters').hidden = false;
section.querySelector('table').hidden = false;
draw();
