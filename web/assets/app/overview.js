// All servers at a glance: state, why awake and until when, what comes next.
import { api } from './api.js';
import { cancel, heardResult, sleep, wake } from './actions.js';
import { eventLine, mergeEvents } from './eventline.js';
import { h } from './dom.js';
import { finder } from './finder.js';
import { ago, number, stamp } from './format.js';
import { icon, scene } from './icons.js';
import { live } from './live.js';
import { chip, isUp, leaseLine, nextLine, progress, saidSpan, tone } from './state.js';
import { name, t } from './words.js';

// When the wake under way began, on our clock.
export function wakeBegan(status) {
  if (!status.wake || !status.since) return null;
  const ahead = status.state === 'waking' ? 0 : Math.max(0, ...Object.values(status.wake.stages).filter((s) => s !== null));
  return Date.parse(status.since) - 1000 * (status.state === 'booting' ? status.wake.stages.first_sign || ahead : 0);
}

export function wakeBar(server) {
  const { status } = server;
  if (!status.wake) return null;
  const share = progress(status.wake, wakeBegan(status));
  return h('div', { class: 'stack' },
    h('progress', { max: '1', value: share === null ? undefined : share, 'aria-label': t('wake.progress', { name: server.config.name }) }),
    h('p', { class: 'row spread small soft' }, h('span', null, status.wake.stage ? name('stage', status.wake.stage) : t('stage.now')),
      h('span', { class: 'num' }, status.wake.eta_s !== null ? t('wake.eta', { seconds: Math.max(1, Math.round(status.wake.eta_s)) }) : t('wake.noeta'))));
}

function why(server) {
  const { status } = server;
  const lines = status.leases.slice(0, 4).map(leaseLine);
  const more = status.leases.length + (status.leases_more || 0) - lines.length;
  if (status.problem) lines.push(h('li', { 'data-key': 'problem' }, icon('degraded'), saidSpan(status, 'problem')));
  if (!status.leases.length) lines.push(h('li', { 'data-key': 'none', class: 'soft' }, icon(status.state === 'off' ? 'off' : 'ready'),
    h('span', null, status.state === 'off' ? t('why.asleep') : t('why.nobody'), status.state === 'off' && status.since ? ` (${ago(status.since)})` : '')));
  if (more > 0) lines.push(h('li', { 'data-key': 'more', class: 'soft' }, icon('next'), t('why.more', { n: more })));
  if (status.awake_until && status.leases.length > 1) lines.push(h('li', { 'data-key': 'until' }, icon('schedule'), h('b', null, t('why.until'), ' ', stamp(status.awake_until))));
  const next = nextLine(status);
  if (next) lines.push(next);
  return h('ul', { class: 'why' }, lines);
}

export function mainButton(server) {
  const { state, wake: open } = server.status;
  if (open) return h('button', { 'data-act': 'cancel', onclick: () => cancel(server) }, t('cancel.wake'));
  if (isUp(state)) return h('button', { 'data-act': 'sleep', onclick: () => sleep(server) }, icon('sleeping'), t('sleep'));
  return h('button', { class: 'main', 'data-act': 'wake', onclick: () => wake(server) }, icon('waking'), t('wake'));
}

function card(server) {
  const { status, config } = server;
  return h('li', { class: 'card server', 'data-key': server.id, 'data-tone': tone(status.state), 'data-server': server.id },
    h('div', { class: 'row spread' }, h('h2', null, h('a', { href: `#/servers/${encodeURIComponent(server.id)}` }, config.name)), chip(status.state)),
    wakeBar(server), why(server),
    h('div', { class: 'foot' },
      h('span', { class: 'small soft' }, status.energy ? [icon('leaf'), ' '] : null, status.energy ? t('saved', { kwh: number(status.energy.saved_kwh, 1), n: status.energy.saved_kwh }) : server.address),
      mainButton(server)));
}

function summary(servers) {
  const is = (...states) => servers.filter((s) => states.includes(s.status.state)).length;
  const up = is('ready', 'degraded'), moving = is('waking', 'booting', 'sleeping');
  const bad = servers.filter((s) => tone(s.status.state) === 'bad').length;
  const parts = [t('sum.up', { n: up }), t('sum.asleep', { n: servers.length - up - moving - bad })];
  if (moving) parts.push(t('sum.moving', { n: moving }));
  if (bad) parts.push(t('sum.bad', { n: bad }));
  return { text: `${parts.join(', ')}.`, rise: servers.length ? up / servers.length : 0 };
}

function nextOf(servers) {
  const coming = servers.filter((s) => s.status.next_event && s.status.next_event.at && !s.status.next_event.what.endsWith('_deadline'))
    .sort((a, b) => (a.status.next_event.at < b.status.next_event.at ? -1 : 1))[0];
  if (!coming) return t('sum.quiet');
  return h('span', null, t('sum.next'), ' ', coming.config.name, ', ', name('next', coming.status.next_event.what), ' ', stamp(coming.status.next_event.at));
}

export function create(context) {
  const find = finder('find', context.redraw, (s) => `${s.id} ${s.config.name} ${s.address}`);
  let stored = [];

  return {
    title: () => t('nav.overview'),
    load: async () => { stored = (await api('/events?limit=12')).events; },
    heard: (kind, data) => { if (kind === 'result') heardResult(data); },
    render: () => {
      const servers = [...live.servers.values()];
      const sum = summary(servers);
      const events = mergeEvents(live.events, stored).slice(0, 10);
      return [
        h('section', { class: 'card hero', 'aria-label': t('nav.overview') }, scene(sum.rise),
          h('div', { class: 'said' }, h('h1', { tabindex: '-1' }, sum.text), h('p', { class: 'soft' }, nextOf(servers)))),
        find.field(servers),
        find.list(servers, (some) => h('ul', { class: 'grid' }, some.map(card)), t('servers.none')),
        h('section', { class: 'card' }, h('div', { class: 'cardhead' }, h('h2', null, t('recent')), h('a', { href: '#/events' }, t('recent.all'))),
          events.length ? h('ul', { class: 'log' }, events.map((e) => eventLine(e, true))) : h('p', { class: 'empty' }, t('events.none')))];
    },
  };
}
