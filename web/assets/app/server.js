// One server: what holds it awake, how its wakes went, what it did, and everything that can be done with it.
import { api, path, query } from './api.js';
import { chart, color, drawCharts, dropCharts } from './charts.js';
import { RELEASABLE, cancel, command, heardResult, hold, project, release, restart, sleep, wake } from './actions.js';
import { eventLine, mergeEvents } from './eventline.js';
import { h } from './dom.js';
import { ago, clock, day, duration, number, short, stamp, when } from './format.js';
import { icon } from './icons.js';
import { live } from './live.js';
import { wakeBar } from './overview.js';
import { STAGES, STATES, because, chip, containerWords, isUp, leaseName, said, saidSpan, stageList } from './state.js';
import { name, t } from './words.js';

const SPANS = { '24h': 86400, '7d': 7 * 86400, '30d': 30 * 86400 };

/* Why it is awake */

function leaseRow(server, lease) {
  return h('tr', { 'data-key': `${lease.kind}/${lease.holder}`, 'data-lease': lease.holder },
    h('td', null, h('span', { class: 'row' }, icon(lease.kind), because(lease))),
    h('td', { class: 'right' }, RELEASABLE.has(lease.kind)
      ? h('button', { class: 'tiny', 'data-act': 'release', 'aria-label': t('release.of', { holder: leaseName(lease) }), onclick: () => release(server.id, lease) }, t('release'))
      : h('span', { class: 'small soft' }, t('release.not'))));
}

function leases(server) {
  const { status } = server;
  return h('section', { class: 'card' }, h('div', { class: 'cardhead' }, h('h2', null, t('leases')),
    h('button', { class: 'tiny', 'data-act': 'hold', onclick: () => hold(server) }, icon('hold'), t('hold'))),
  status.leases.length
    ? h('div', { class: 'scroll' }, h('table', null, h('caption', { class: 'vh' }, t('leases')), h('tbody', null, status.leases.map((l) => leaseRow(server, l)),
      status.leases_more > 0 ? h('tr', null, h('td', { colspan: '2', class: 'soft' }, t('why.more', { n: status.leases_more }))) : null)))
    : h('p', { class: 'empty' }, isUp(status.state) ? t('why.nobody') : t('leases.none')),
  status.next_event && status.next_event.at ? h('p', { class: 'row soft' }, icon('next'), h('span', null, name('next', status.next_event.what), ' ', stamp(status.next_event.at))) : null);
}

/* Facts */

const row = (key, value) => (value === null || value === undefined ? null : [h('dt', null, t(key)), h('dd', null, value)]);

function check(c) {
  const state = c.passing === null ? 'unknown' : c.passing ? 'ready' : 'unreachable';
  return h('li', { class: 'row' }, h('span', { class: 'chip', 'data-tone': c.passing ? 'ok' : c.passing === null ? 'none' : 'bad' }, icon(state),
    c.passing ? t('check.passes') : c.passing === null ? t('check.unknown') : t('check.fails')),
  h('span', null, name('check', c.kind), c.site ? ` · ${c.site}` : '', c.status ? ` · ${c.status}` : '',
    c.reason ? [': ', saidSpan(c, 'reason')] : ''));
}

function facts(server) {
  const { status, config } = server;
  return h('section', { class: 'card stack' }, h('h2', null, t('facts')),
    h('dl', { class: 'facts' },
      row('fact.since', status.since ? h('span', null, stamp(status.since), ` (${ago(status.since)})`) : null),
      row('fact.reason', status.reason ? saidSpan(status, 'reason') : null),
      row('fact.refused', status.sleep_refused ? saidSpan(status.sleep_refused, 'reason') : null),
      row('fact.guard', status.guard ? h('span', null, name('guard', status.guard.name), status.guard.until ? [' – ', t('until', { at: when(status.guard.until) })] : '') : null),
      row('fact.load', status.load === null ? null : number(status.load, 2)),
      row('fact.uptime', status.uptime_s === null ? null : duration(status.uptime_s)),
      row('fact.boot', status.last_boot_s === null ? null : duration(status.last_boot_s)),
      row('fact.address', server.address),
      row('fact.mac', h('code', null, config.mac)),
      row('fact.agent', status.evidence.agent ? name('agentstate', status.evidence.agent) : t('none')),
      row('fact.sleep', config.sleep.mode ? `${name('via', config.sleep.via)} – ${name('sleepmode', config.sleep.mode)}` : name('via', config.sleep.via)),
      row('fact.depends', config.depends_on.length ? config.depends_on.join(', ') : null),
      row('fact.energy', status.energy ? t('energy.line', { saved: number(status.energy.saved_kwh, 1), basis: name('basis', status.energy.basis) }) : null)),
    status.evidence.checks.length ? h('ul', { class: 'stack', 'aria-label': t('checks') }, status.evidence.checks.map(check)) : null);
}

/* Wakes */

function wakeNow(server, wakes) {
  const open = server.status.wake;
  const last = wakes[0];
  return h('section', { class: 'card stack' }, h('h2', null, open ? t('wake.now') : t('wake.last')),
    open ? [wakeBar(server), stageList(open.stages, true)]
      : last ? [h('p', { class: 'row wrap' }, h('span', { class: 'chip', 'data-tone': last.outcome === 'ready' ? 'ok' : 'bad' }, icon(last.outcome === 'ready' ? 'ready' : 'wake_failed'), name('outcome', last.outcome)),
        h('span', { class: 'soft' }, stamp(last.started), ' · ', saidSpan(last, 'cause'), ` · ${duration(last.seconds)}`)), stageList(last.stages, false)]
        : h('p', { class: 'empty' }, t('wakes.none')));
}

// The time each stage took, as parts of one bar.
function wakeParts(wake, longest) {
  let before = 0;
  const parts = STAGES.map((stage, i) => {
    const at = wake.stages[stage];
    if (at === null) return null;
    const took = Math.max(0, at - before);
    before = Math.max(before, at);
    return took > 0 ? h('i', { class: `w${i}`, title: `${name('stage', stage)}: ${number(took, 1)} s`, style: { width: `${(100 * took) / longest}%` } }) : null;
  });
  return h('div', { class: 'wakebar', 'aria-hidden': 'true' }, parts);
}

function wakeTable(wakes) {
  const longest = Math.max(1, ...wakes.flatMap((w) => STAGES.map((stage) => w.stages[stage] || 0)));
  return h('section', { class: 'card' }, h('h2', null, t('wakes')),
    wakes.length ? h('div', { class: 'scroll' }, h('table', null, h('caption', { class: 'vh' }, t('wakes')),
      h('thead', null, h('tr', null, [t('col.at'), t('col.cause'), t('col.result'), t('col.seconds'), t('col.stages')].map((c) => h('th', { scope: 'col' }, c)))),
      h('tbody', null, wakes.slice(0, 12).map((w) => h('tr', { 'data-key': `w${w.id}` }, h('td', { class: 'tight' }, stamp(w.started)),
        h('td', null, saidSpan(w, 'cause'), w.project && !(w.cause_fact && w.cause_fact.site === w.project) ? ` · ${w.project}` : ''),
        h('td', null, w.outcome === 'ready' ? name('kind', w.kind) : h('span', { class: 'chip', 'data-tone': 'bad' }, icon('wake_failed'), name('failure', w.failure))),
        h('td', { class: 'tight' }, duration(w.seconds)), h('td', null, wakeParts(w, longest))))))) : h('p', { class: 'empty' }, t('wakes.none')),
    wakes.length ? h('p', { class: 'legend' }, STAGES.map((s, i) => h('span', null, h('i', { class: `w${i}` }), name('stage', s)))) : null);
}

function bootChart(server, wakes) {
  const good = wakes.filter((w) => w.outcome === 'ready' && w.seconds !== null).slice(0, 60).reverse();
  if (good.length < 2) return null;
  const make = () => ({
    type: 'line',
    data: {
      labels: good.map((w) => short(w.started)),
      datasets: ['resume', 'cold_boot'].map((kind, i) => ({
        label: name('kind', kind), data: good.map((w) => (w.kind === kind ? w.seconds : null)), spanGaps: true,
        borderColor: color(i ? '--b-degraded' : '--ac'), backgroundColor: color(i ? '--b-degraded' : '--ac'), pointRadius: 4, pointStyle: i ? 'triangle' : 'circle', tension: 0.25,
      })).filter((d) => d.data.some((v) => v !== null)),
    },
    options: { scales: { y: { beginAtZero: true, title: { display: true, text: t('unit.seconds') } }, x: { ticks: { maxTicksLimit: 5, maxRotation: 0 } } }, plugins: { legend: { position: 'bottom', labels: { usePointStyle: true } } } },
  });
  return h('section', { class: 'card' }, h('h2', null, t('boots')), chart(`boots-${server.id}`, t('boots.label', { n: good.length, last: duration(good[good.length - 1].seconds) }), good[good.length - 1].id, make));
}

/* State history */

function band(spans, seconds) {
  const to = Date.now(), from = to - 1000 * seconds;
  const ordered = [...spans].sort((a, b) => (a.began < b.began ? -1 : 1));
  const parts = [];
  let at = from;
  const put = (state, until, title) => {
    if (until <= at) return;
    parts.push(h('i', { class: `s-${state}`, title, style: { flex: `${(until - at) / 1000} 0 0` } }));
    at = until;
  };
  for (const span of ordered) {
    const began = Math.max(from, Date.parse(span.began));
    const ended = span.open ? to : Math.min(to, Date.parse(span.ended));
    put('unknown', began, t('band.gap'));
    put(span.state, ended, `${name('state', span.state)}: ${when(span.began)}, ${duration(span.seconds)}`);
  }
  put('unknown', to, t('band.gap'));
  return h('div', { class: 'band', 'aria-hidden': 'true' }, parts);
}

function shares(spans, seconds) {
  const sums = {};
  const from = Date.now() - 1000 * seconds;
  for (const s of spans) {
    const within = (Math.min(Date.now(), s.open ? Date.now() : Date.parse(s.ended)) - Math.max(from, Date.parse(s.began))) / 1000;
    if (within > 0) sums[s.state] = (sums[s.state] || 0) + within;
  }
  return STATES.filter((s) => sums[s]).map((s) => h('span', null, h('i', { class: `s-${s}` }), `${name('state', s)} ${duration(sums[s])}`));
}

function history(spans, chosen, choose) {
  const seconds = SPANS[chosen];
  const marks = [0, 1, 2, 3, 4].map((i) => new Date(Date.now() - 1000 * seconds * (1 - i / 4)));
  return h('section', { class: 'card' }, h('div', { class: 'cardhead' }, h('h2', null, t('history')),
    h('div', { class: 'seg', role: 'radiogroup', 'aria-label': t('history.span') }, Object.keys(SPANS).map((key) => h('label', null,
      h('input', { type: 'radio', name: 'span', value: key, checked: key === chosen, onchange: () => choose(key) }), h('span', null, t(`span.${key}`)))))),
  spans.length ? [band(spans, seconds), h('p', { class: 'ticks', 'aria-hidden': 'true' }, marks.map((m) => h('span', null, seconds > 90000 ? day(m) : clock(m)))),
    h('p', { class: 'legend', 'aria-label': t('history.sums') }, shares(spans, seconds))] : h('p', { class: 'empty' }, t('history.none')));
}

/* Policy at run time */

function policy(server) {
  const { config, status } = server;
  const set = (what, body) => command(api(path('servers', server.id, what), { body }), t('told.saved'));
  return h('section', { class: 'card stack' }, h('div', { class: 'cardhead' }, h('h2', null, t('policy.run')), h('a', { href: '#/policies' }, t('policy.all'))),
    h('label', { class: 'field' }, t('policy'), h('select', {
      id: 'run-policy', value: status.policy,
      onchange: (e) => set('policy', { policy: e.target.value === server.configured_policy ? null : e.target.value }),
    }, ['on_demand', 'scheduled', 'always_on'].map((p) => h('option', { value: p }, name('mode', p) + (p === server.configured_policy ? ` (${t('configured')})` : ''))))),
    h('form', { class: 'row end', onsubmit: (e) => { e.preventDefault(); set('idle', { minutes: Number(e.target.elements.minutes.value) }); } },
      h('label', { class: 'field' }, t('idle.minutes'), h('input', { name: 'minutes', type: 'number', min: '1', max: '10080', required: true, value: String(Math.round(config.idle_s / 60)) })),
      h('button', null, t('set'))),
    h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: config.keep_awake, onchange: (e) => set('keep_awake', { on: e.target.checked }) }), t('keep_awake')));
}

/* Tools */

function tools(server, results, run) {
  const button = (kind, sign) => h('div', { class: 'row wrap', 'data-key': kind },
    h('button', { class: 'tiny', 'data-act': kind, disabled: results[kind] === 'running', onclick: () => run(kind) }, icon(sign), t(`tool.${kind}`)),
    h('output', { 'data-result': kind, class: 'small', 'aria-live': 'polite' }, results[kind] === 'running' ? t('tool.running') : told(results[kind])));
  return h('section', { class: 'card tools' }, h('h2', null, t('tools')), button('ping', 'ping'), button('http', 'globe'), button('packet', 'packet'));
}

function told(result) {
  if (!result) return '';
  if (result.problem) return h('span', null, icon('degraded'), ' ', result.problem);
  const figures = [result.ms === null ? null : `${number(result.ms, 1)} ms`, result.status].filter(Boolean).join(' · ');
  return h('span', null, icon(result.ok ? 'check' : 'unreachable'), ` ${result.ok ? t('tool.ok') : t('tool.bad')} `, h('span', { class: 'soft' }, `${result.target} ${figures}`, result.detail ? h('span', { lang: 'en' }, ` – ${result.detail}`) : null));
}

/* Projects of this server */

function projects(server) {
  const own = [...live.projects.values()].filter((p) => p.status.server === server.id);
  if (!own.length) return null;
  return h('section', { class: 'card' }, h('h2', null, t('containers')), h('ul', { class: 'rows' }, own.map((p) => h('li', { 'data-key': p.id },
    h('div', { class: 'row spread wrap' }, h('b', null, p.name), chip(p.state, 'pstate')), h('p', { class: 'small soft' }, containerWords(p.status.containers)),
    p.status.containers.length ? h('div', { class: 'row wrap' }, ['start', 'stop', 'restart'].map((a) => h('button', { class: 'tiny', 'aria-label': `${t(`project.${a}`)}: ${p.name}`, onclick: () => project(p.id, a) }, t(`project.${a}`)))) : null))));
}

function actions(server) {
  const { state, wake: open } = server.status;
  return h('div', { class: 'row wrap' },
    open ? h('button', { 'data-act': 'cancel', onclick: () => cancel(server) }, t('cancel.wake')) : null,
    !isUp(state) && !open ? h('button', { class: 'main', 'data-act': 'wake', onclick: () => wake(server) }, icon('waking'), t('wake')) : null,
    isUp(state) && !open ? h('button', { 'data-act': 'restart', onclick: () => restart(server) }, t('restart')) : null,
    isUp(state) && !open ? h('button', { class: 'main', 'data-act': 'sleep', onclick: () => sleep(server) }, icon('sleeping'), t('sleep')) : null);
}

export function create(context) {
  const { id, redraw } = context;
  let wakes = [], spans = [], stored = [], chosen = '24h';
  const results = {};

  const readWakes = async () => { wakes = (await api(`/wakes${query({ server: id, limit: 60 })}`, { background: true })).wakes; };
  const readSpans = async () => {
    const from = new Date(Date.now() - 1000 * SPANS[chosen]).toISOString().slice(0, 19) + 'Z';
    const read = [];
    let before = null;
    for (let page = 0; page < 8 && (page === 0 || before !== null); page++) {
      const part = await api(`/states${query({ server: id, from, limit: 200, before })}`, { background: true });
      read.push(...part.states);
      before = part.next;
    }
    spans = read;
  };
  const again = (what) => what().then(redraw, () => {});

  async function run(kind) {
    results[kind] = 'running';
    redraw();
    try { results[kind] = await api(path('servers', id, kind), { body: kind === 'http' ? {} : undefined, method: 'POST' }); } catch (problem) { results[kind] = { problem: problem.message }; }
    redraw();
  }

  function heard(kind, data) {
    if (kind === 'result') heardResult(data);
    if (kind === 'event' && data.server === id && ['ready', 'wake_failed'].includes(data.type)) setTimeout(() => again(readWakes), 800);
    if (kind === 'server' && data.id === id) again(readSpans);
  }

  function render() {
    const server = live.servers.get(id);
    if (!server) return [h('h1', { tabindex: '-1' }, t('server.gone')), h('p', { class: 'card' }, h('a', { href: '#/' }, t('nav.overview')))];
    const events = mergeEvents(live.events.filter((e) => e.server === id), stored).slice(0, 12);
    return [
      h('div', { class: 'head', 'data-server': id }, h('div', null, h('p', { class: 'small' }, h('a', { href: '#/' }, t('nav.overview'))),
        h('div', { class: 'row wrap' }, h('h1', { tabindex: '-1' }, server.config.name), chip(server.status.state))), actions(server)),
      server.status.problem ? h('p', { class: 'note bad', role: 'status', lang: said(server.status, 'problem').lang }, server.status.problem) : null,
      history(spans, chosen, (key) => { chosen = key; again(readSpans); }),
      h('div', { class: 'two' }, h('div', { class: 'stack wide' }, leases(server), wakeNow(server, wakes), policy(server)), h('div', { class: 'stack wide' }, facts(server), tools(server, results, run), projects(server))),
      bootChart(server, wakes), wakeTable(wakes),
      h('section', { class: 'card' }, h('div', { class: 'cardhead' }, h('h2', null, t('nav.events')), h('a', { href: `#/events?server=${encodeURIComponent(id)}` }, t('recent.all'))),
        events.length ? h('ul', { class: 'log' }, events.map((e) => eventLine(e, false))) : h('p', { class: 'empty' }, t('events.none')))];
  }

  return {
    title: () => { const s = live.servers.get(id); return s ? s.config.name : t('server'); },
    load: async () => { await Promise.all([readWakes(), readSpans(), api(`/events${query({ server: id, limit: 12 })}`).then((r) => { stored = r.events; })]); },
    heard, render, drawn: drawCharts, stop: dropCharts,
  };
}
