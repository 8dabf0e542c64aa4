// What the wakes were, how long they took, and what sleeping saved.
import { api, query } from './api.js';
import { chart, color, drawCharts, dropCharts } from './charts.js';
import { h } from './dom.js';
import { date, duration, money, number, percent, stamp, weekday } from './format.js';
import { live } from './live.js';
import { STATES } from './state.js';
import { name, t } from './words.js';

const PERIODS = [1, 7, 30, 90];
const serverName = (id) => (live.servers.has(id) ? live.servers.get(id).config.name : id);

function tile(text, value, more) {
  return h('div', { class: 'card tile' }, h('b', null, value), h('span', null, text), more ? h('p', { class: 'small soft' }, more) : null);
}

function sum(list, what) { return list.reduce((n, x) => n + (x[what] || 0), 0); }

function bestBoot(servers) {
  const boots = servers.flatMap((s) => s.boots).filter((b) => b.n && b.p50_s !== null).sort((a, b) => b.n - a.n);
  return boots[0] || null;
}

function tiles(stats) {
  const wakes = sum(stats.servers, 'wakes'), failed = sum(stats.servers, 'wakes_failed');
  const boot = bestBoot(stats.servers), e = stats.energy;
  return h('div', { class: 'tiles' },
    tile(t('stat.saved'), `${number(e.saved_kwh, 1)} kWh`, [e.saved_money === null ? null : money(e.saved_money, e.currency), e.basis ? name('basis', e.basis) : null].filter(Boolean).join(' · ')),
    tile(t('stat.wakes'), number(wakes), t('stat.failed', { n: failed })),
    tile(t('stat.success'), wakes ? percent((wakes - failed) / wakes, 1) : '–'),
    tile(t('stat.boot'), boot ? duration(boot.p50_s) : '–', boot ? t('stat.p95', { seconds: duration(boot.p95_s) }) : null),
    tile(t('stat.visits'), number(sum(stats.projects, 'visits'))), tile(t('stat.refused'), number(stats.refusals.n)));
}

/* Wakes by the hour of the week */

function heat(hours) {
  if (hours.length !== 168 || !hours.some(Boolean)) return h('p', { class: 'empty' }, t('stat.nothing'));
  const most = Math.max(...hours);
  const busiest = hours.indexOf(most);
  const level = (n) => (n === 0 ? null : `l${Math.ceil((4 * n) / most)}`);
  const label = t('heat.label', { day: weekday(Math.floor(busiest / 24), 'long'), hour: busiest % 24, n: most });
  return [h('div', { class: 'heat', role: 'img', 'aria-label': label }, h('b'), Array.from({ length: 24 }, (_, i) => h('b', null, i % 6 ? '' : String(i))),
    Array.from({ length: 7 }, (_, d) => [h('span', null, weekday(d)), hours.slice(24 * d, 24 * d + 24).map((n, i) => h('i', { class: level(n), title: `${weekday(d)} ${i}:00: ${n}` }))])),
  h('p', { class: 'small soft' }, label)];
}

/* Time in each state */

function shares(servers) {
  const all = servers.filter((s) => s.observed_s > 0);
  if (!all.length) return h('p', { class: 'empty' }, t('stat.nothing'));
  const used = STATES.filter((state) => all.some((s) => s.seconds[state]));
  return [h('div', { class: 'stack' }, all.map((s) => h('div', { class: 'share' },
    h('p', { class: 'row spread small' }, h('b', null, serverName(s.server)), h('span', { class: 'soft' }, t('stat.up', { share: percent(s.up_share, 0) }))),
    h('div', { class: 'band', role: 'img', 'aria-label': used.filter((st) => s.seconds[st]).map((st) => `${name('state', st)}: ${duration(s.seconds[st])}`).join(', ') },
      used.filter((st) => s.seconds[st]).map((st) => h('i', { class: `s-${st}`, title: `${name('state', st)}: ${duration(s.seconds[st])}`, style: { flex: `${s.seconds[st]} 0 0` } })))))),
  h('p', { class: 'legend' }, used.map((st) => h('span', null, h('i', { class: `s-${st}` }), name('state', st))))];
}

function table(caption, columns, rows) {
  return rows.length ? h('div', { class: 'scroll' }, h('table', null, h('caption', { class: 'vh' }, caption), h('thead', null, h('tr', null, columns.map(([c, right]) => h('th', { scope: 'col', class: right ? 'right' : null }, t(`col.${c}`))))),
    h('tbody', null, rows.map((row) => h('tr', null, row.map((cell, i) => h('td', { class: columns[i][1] ? 'right' : null }, cell))))))) : h('p', { class: 'empty' }, t('stat.nothing'));
}

function bar(id, label, version, labels, values, tint) {
  return chart(id, label, version, () => ({
    type: 'bar', data: { labels, datasets: [{ label, data: values, backgroundColor: color(tint), borderRadius: 6, maxBarThickness: 44 }] },
    options: { plugins: { legend: { display: false } }, scales: { y: { beginAtZero: true, ticks: { precision: 0 } }, x: { grid: { display: false }, ticks: { maxTicksLimit: 7, maxRotation: 0 } } } },
  }));
}

function bootHistory(stats, version) {
  const tints = ['--ac', '--b-degraded', '--b-ready', '--b-sleeping', '--b-bad'];
  const series = stats.servers.flatMap((s) => ['resume', 'cold_boot'].map((kind) => ({ server: s.server, kind, days: s.boot_history.filter((d) => d.kind === kind) }))).filter((s) => s.days.length > 1).slice(0, 5);
  if (!series.length) return h('p', { class: 'empty' }, t('stat.nothing'));
  const days = [...new Set(series.flatMap((s) => s.days.map((d) => d.day)))].sort();
  const of = (s, d) => s.days.find((y) => y.day === d);
  // The median as a line; the 95th percentile in its tooltip.
  const line = (s, i) => ({ label: `${serverName(s.server)}, ${name('kind', s.kind)}`, data: days.map((d) => { const x = of(s, d); return x ? x.p50_s : null; }), spanGaps: true,
    borderColor: color(tints[i]), backgroundColor: color(tints[i]), pointStyle: s.kind === 'resume' ? 'circle' : 'triangle', pointRadius: 3.5, borderWidth: 2.5, tension: 0.25 });
  const tip = (item) => { const x = of(series[item.datasetIndex], days[item.dataIndex]); return `${item.dataset.label}: ${duration(x.p50_s)} (${t('stat.p95', { seconds: duration(x.p95_s) })})`; };
  return chart('boot-history', t('stat.boots'), version, () => ({
    type: 'line', data: { labels: days.map(date), datasets: series.map(line) },
    options: { plugins: { legend: { position: 'bottom', labels: { usePointStyle: true } }, tooltip: { callbacks: { label: tip } } }, scales: { y: { beginAtZero: true, title: { display: true, text: t('unit.seconds') } }, x: { ticks: { maxTicksLimit: 7, maxRotation: 0 } } } },
  }));
}

const section = (title, ...children) => h('section', { class: 'card' }, h('h2', null, title), children);

export function create(context) {
  const { redraw } = context;
  let days = 30, stats = null, version = 0;

  async function load() {
    const from = new Date(Date.now() - 86400000 * days).toISOString().slice(0, 19) + 'Z';
    stats = await api(`/statistics${query({ from })}`);
    version++;
  }

  function render() {
    const e = stats.energy;
    return [
      h('div', { class: 'head' }, h('div', null, h('h1', { tabindex: '-1' }, t('nav.statistics')), stats.since ? h('p', { class: 'soft' }, t('stat.since'), ' ', stamp(stats.since)) : null),
        h('div', { class: 'seg', role: 'radiogroup', 'aria-label': t('stat.period') }, PERIODS.map((p) => h('label', null, h('input', { type: 'radio', name: 'period', value: String(p), checked: p === days, onchange: () => { days = p; load().then(redraw, (x) => context.toast(x.message, true)); } }), h('span', null, t('days', { n: p })))))),
      stats.complete ? null : h('p', { class: 'note' }, t('stat.cut')), tiles(stats),
      h('div', { class: 'two even' },
        section(t('stat.hours'), heat(stats.wakes_by_hour)), section(t('stat.states'), shares(stats.servers)),
        section(t('stat.boots'), bootHistory(stats, version)),
        section(t('stat.causes'), stats.wakes_by_cause.length ? bar('causes', t('stat.causes'), version, stats.wakes_by_cause.map((c) => name('lease.short', c.cause)), stats.wakes_by_cause.map((c) => c.n), '--ac') : h('p', { class: 'empty' }, t('stat.nothing'))),
        section(t('stat.visitdays'), stats.visits_by_day.length ? bar('visits', t('stat.visitdays'), version, stats.visits_by_day.map((d) => date(d.day)), stats.visits_by_day.map((d) => d.visits), '--b-ready') : h('p', { class: 'empty' }, t('stat.nothing'))),
        section(t('stat.projects'), table(t('stat.projects'), [['project'], ['visits', 1], ['wakes', 1], ['last', 1]], stats.projects.slice(0, 10).map((p) => [p.project, number(p.visits), number(p.wakes), stamp(p.last_visit)]))),
        section(t('stat.servers'), table(t('stat.servers'), [['server'], ['wakes', 1], ['success', 1], ['median', 1], ['p95', 1], ['kwh', 1]], stats.servers.map((s) => { const b = bestBoot([s]); return [serverName(s.server), number(s.wakes), percent(s.availability, 0), b ? duration(b.p50_s) : '–', b ? duration(b.p95_s) : '–', number(s.energy.saved_kwh, 1)]; }))),
        section(t('stat.energy'), h('dl', { class: 'facts' }, h('dt', null, t('energy.used')), h('dd', null, `${number(e.used_kwh, 1)} kWh`), h('dt', null, t('energy.always')), h('dd', null, `${number(e.always_on_kwh, 1)} kWh`), h('dt', null, t('energy.hall')), h('dd', null, `${number(e.hall_kwh, 1)} kWh`), h('dt', null, t('energy.saved')), h('dd', null, h('b', null, `${number(e.saved_kwh, 1)} kWh`), e.saved_money === null ? null : ` (${money(e.saved_money, e.currency)})`)), h('p', { class: 'small soft' }, e.basis ? t(`basis.${e.basis}.what`) : t('stat.nothing'))),
        section(t('stat.failures'), table(t('stat.failures'), [['server'], ['why'], ['count', 1], ['last', 1]], stats.failures.map((f) => [serverName(f.server), name('failure', f.failure), number(f.n), stamp(f.last)]))),
        section(t('stat.refusals'), table(t('stat.refusals'), [['address'], ['count', 1]], stats.refusals.addresses.slice(0, 10).map((a) => [h('code', null, a.address), number(a.n)]))))];
  }

  return { title: () => t('nav.statistics'), load, render, drawn: drawCharts, stop: dropCharts, quiet: () => true };
}
