'use strict';
// Fetches the page again every two seconds, takes over what has changed, and draws the rates of the last five minutes.
const period = 2000;
const most = 150;
const units = ['B/s', 'KiB/s', 'MiB/s', 'GiB/s'];
const served = new Map();
const samples = new Map();
let process = '';

function amount(bytes) {
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1024;
  return `${bytes.toFixed(unit === 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2)} ${units[unit]}`;
}

// The counts of a cell and their times, from which its rates follow.
function record(key, time, bytes) {
  const list = samples.get(key) ?? [];
  if (list.length > 0 && bytes < list[list.length - 1].bytes) list.length = 0;
  list.push({ time, bytes });
  samples.set(key, list.slice(-most - 1));
}

function draw(cell, key) {
  const list = samples.get(key);
  const rates = list.slice(1).map((next, i) => (next.bytes - list[i].bytes) * 1000 / (next.time - list[i].time));
  if (rates.length === 0) return;
  const top = Math.max(...rates, 1);
  const points = rates.map((rate, i) => `${most - rates.length + i},${(20 - 19 * rate / top).toFixed(1)}`);
  cell.querySelector('polyline').setAttribute('points', points.join(' '));
  cell.querySelector('.rate').textContent = amount(rates[rates.length - 1]);
}

function adopt(table, time) {
  for (const body of table.tBodies) {
    for (const cell of body.querySelectorAll('[data-bytes]')) {
      const key = `${body.id} ${cell.dataset.label}`;
      record(key, time, Number(cell.dataset.bytes));
      draw(document.getElementById(body.id).querySelector(`[data-label="${cell.dataset.label}"]`), key);
    }
  }
}

// A row that has not changed stays, with what a reader has marked in it.
function replace(next) {
  const table = document.querySelector('table');
  const same = table.tBodies.length === next.tBodies.length && [...next.tBodies].every((body, i) => body.id === table.tBodies[i].id);
  for (const body of same ? [...next.tBodies] : []) {
    if (served.get(body.id) !== body.outerHTML) document.getElementById(body.id).replaceWith(body.cloneNode(true));
  }
  if (!same) table.replaceWith(next.cloneNode(true));
  remember(next);
}

function remember(table) {
  served.clear();
  for (const body of table.tBodies) served.set(body.id, body.outerHTML);
}

function show(page, time) {
  const summary = page.getElementById('summary');
  if (summary.dataset.pid !== process) samples.clear();
  process = summary.dataset.pid;
  const next = page.querySelector('table');
  if (page !== document) {
    document.getElementById('summary').replaceWith(summary.cloneNode(true));
    replace(next);
  } else {
    remember(next);
  }
  adopt(next, time);
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch('./', { cache: 'no-store' });
    if (!answer.ok) throw new Error(answer.statusText);
    show(new DOMParser().parseFromString(await answer.text(), 'text/html'), performance.now());
    document.body.classList.remove('stale');
  } catch {
    document.body.classList.add('stale');
  }
}

document.body.classList.add('live');
show(document, performance.now());
setInterval(refresh, period);
