// SPDX-License-Identifier: Apache-2.0
// The live page of a relay: asks once a second, and draws what it is told.
'use strict';

const find = (id) => document.getElementById(id);

// Makes an element; text goes in as text, so that no name of a route is taken for markup.
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const count = (number) => number.toLocaleString('en');
const several = (n, what) => `${count(n)} ${what}${n === 1 ? '' : 's'}`;

function bytes(number) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1000;
    unit++;
  }
  return `${number < 10 && unit > 0 ? number.toFixed(1) : Math.round(number)} ${units[unit]}`;
}

const percent = (part) => `${Math.round(100 * part)} %`;

// Charts.

const charts = [
  {
    id: 'throughput',
    series: [['spliced', 'splicedPerSecond', '#1f77b4'], ['copied', 'copiedPerSecond', '#ff9f40']],
    label: (value) => `${bytes(value)}/s`,
  },
  { id: 'cpu', series: [['CPU', 'cpu', '#2ca02c']], label: percent },
  { id: 'sessions', series: [['sessions', 'sessions', '#9467bd']], label: count },
];

function chart(description) {
  const place = find(`${description.id}-chart`);
  // A canvas takes no light-dark(): what the page itself has made of it.
  const ink = () => getComputedStyle(find('facts')).color;
  const grid = { stroke: () => getComputedStyle(place.parentElement).borderTopColor, width: 1 };
  const plot = new uPlot({
    width: place.clientWidth,
    height: 170,
    cursor: { show: true, y: false },
    scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { stroke: ink, grid, values: (_, times) => times.map((each) => new Date(each * 1000).toLocaleTimeString('en-GB')), space: 90 },
      { stroke: ink, grid, size: 76, values: (_, values) => values.map(description.label) },
    ],
    series: [{}, ...description.series.map(([label, , colour]) => ({ label, stroke: colour, width: 2, fill: colour + '22' }))],
  }, [[], ...description.series.map(() => [])], place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 170 })).observe(place);
  return plot;
}

function draw(history) {
  for (const description of charts) {
    description.plot ??= chart(description);
    const columns = description.series.map(([, name]) => history[name]);
    description.plot.setData([history.time, ...columns]);
    const now = columns.map((column) => column.at(-1) ?? 0).reduce((sum, each) => sum + each, 0);
    find(description.id).textContent = description.label(now);
  }
}

// Tables.

const reasons = {
  spliced: 'spliced',
  small: 'copied: small pieces',
  first: 'copied: first bytes, looked at or added',
  forced: 'copied: the route says so',
  unavailable: 'copied: no splice or no pipe to be had',
};

function moved(title, manners) {
  const all = Object.values(manners).reduce((sum, each) => sum + each, 0);
  const bar = make('div', { className: 'bar' });
  const legend = make('div', { className: 'legend' }, `${title}: ${bytes(all)}`);
  for (const [manner, number] of Object.entries(manners)) {
    const piece = make('i', { className: manner });
    piece.style.width = `${100 * number / all}%`;
    bar.append(piece);
    legend.append(make('span', {}, make('i', { className: manner }), `${reasons[manner]} ${bytes(number)}`));
  }
  return [bar, legend];
}

function cells(tag, ...values) {
  return make('tr', {}, ...values.map((value) => (value instanceof Node ? value : make(tag, {}, String(value)))));
}

function backend(route, each) {
  const drained = each.state === 'drained';
  const button = make('button', { textContent: drained ? 'Enable' : 'Drain' });
  button.addEventListener('click', () => change(
    `api/routes/${encodeURIComponent(route.name)}/backends/${encodeURIComponent(each.name)}/${drained ? 'enable' : 'drain'}`,
    drained ? `Give ${each.name} sessions again?` : `Give ${each.name} no more sessions? Those that it has go on.`));
  return cells('td',
    each.name + (each.backup ? ' (backup)' : ''),
    make('td', { className: 'text' }, make('span', { className: `badge ${each.state}`, title: each.lastCheck }, each.state)),
    each.weight, each.sessions, count(each.served), count(each.failedConnects), bytes(each.bytesUp), bytes(each.bytesDown),
    make('td', {}, button));
}

const losses = {
  full: 'fell behind', unreachable: 'not reached', reset: 'reset by it', late: 'too late', cut: 'cut at the end',
};

function mirrors(all) {
  if (all.length === 0) return [];
  const lost = (each) => Object.entries(each.lost).filter(([, number]) => number > 0)
    .map(([why, number]) => `${count(number)} ${losses[why]}`).join(', ') || '0';
  return [make('table', {},
    make('thead', {}, cells('th', 'mirror', make('th', { className: 'text' }, 'of'), 'sessions', 'mirrored', 'bytes', 'behind', 'missed', 'lost')),
    make('tbody', {}, ...all.map((each) => cells('td', each.name, make('td', { className: 'text' }, each.of), each.sessions,
      count(each.mirrored), bytes(each.bytes), bytes(each.lagBytes), bytes(each.missedBytes), lost(each)))))];
}

function route(each) {
  return make('article', {},
    make('header', {}, make('h2', {}, each.name),
      make('span', { className: 'note' }, `${each.listeners.join(', ')} · ${several(each.sessions, 'session')} · ${each.queued} queued · `
        + `${count(each.accepted)} accepted · ${count(each.refused)} refused`)),
    ...moved('to the backends', each.bytesUp), ...moved('to the clients', each.bytesDown),
    make('table', {},
      make('thead', {}, cells('th', 'backend', make('th', { className: 'text' }, 'state'), 'weight', 'sessions', 'served', 'failed connects', 'up', 'down', '')),
      make('tbody', {}, ...each.backends.map((one) => backend(each, one)))),
    ...mirrors(each.mirrors));
}

function recording(each) {
  if (!each) return [];
  return [make('article', {},
    make('header', {}, make('h2', {}, 'recording'),
      make('span', { className: 'note' }, `${each.directory} · ${several(each.sessions, 'session')} · ${several(each.files, 'file')}`
        + (each.trouble === '' ? '' : ` · ${each.trouble}`))),
    make('table', {},
      make('thead', {}, cells('th', 'recorded', 'in files', 'waiting', 'missed: behind', 'missed: disk', 'sessions waited')),
      make('tbody', {}, cells('td', bytes(each.bytes), bytes(each.fileBytes), bytes(each.waitingBytes),
        bytes(each.bytesMissedBehind), bytes(each.bytesMissedDisk), `${each.blockedSeconds.toFixed(1)} s`))))];
}

function show(status) {
  const state = find('state');
  state.textContent = !status.accepting ? 'being drained' : status.ready ? 'ready' : 'a route has no backend';
  state.className = `badge ${!status.accepting ? 'waiting' : status.ready ? 'ready' : 'down'}`;
  find('facts').textContent = `${several(status.sessions, 'session')} · since ${new Date(status.since).toLocaleString('en-GB')}`;
  find('routes').replaceChildren(...status.routes.map(route), ...recording(status.recording));
  find('loops').replaceChildren(...status.loops.map((loop) => cells('td', loop.name, loop.sessions, loop.cpuSeconds.toFixed(1),
    loop.pipesInUse, loop.pipesIdle, bytes(loop.pipeBytes), count(loop.pipesMade), count(loop.pipesRefused))));
}

// Changes.

function complain(words) {
  find('complaint').textContent = words;
  find('complaint').hidden = words === '';
}

function change(path, question) {
  const dialog = find('ask');
  find('ask-what').textContent = question;
  find('ask-token').value = sessionStorage.getItem('token') ?? '';
  dialog.returnValue = 'no';
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    const token = find('ask-token').value;
    const answer = await fetch(path, { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
    if (answer.ok) sessionStorage.setItem('token', token);
    complain(answer.ok ? '' : await answer.text());
    look();
  };
  dialog.showModal();
}

// Looking.

let looking = false;

async function look() {
  if (looking || document.hidden) return;
  looking = true;
  try {
    const [status, history] = await Promise.all(['api/status', 'api/history'].map(async (path) => (await fetch(path)).json()));
    show(status);
    draw(history);
  } catch {
    find('state').textContent = 'does not answer';
    find('state').className = 'badge gone';
  } finally {
    looking = false;
  }
}

look();
setInterval(look, 1000);
