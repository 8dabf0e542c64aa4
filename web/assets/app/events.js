// Everything that happened, by server, domain, project, kind and words; to be taken along as a file.
import { api, query } from './api.js';
import { eventDetail, eventWords, mergeEvents } from './eventline.js';
import { h } from './dom.js';
import { stamp, when } from './format.js';
import { icon } from './icons.js';
import { live } from './live.js';
import { has, name, t } from './words.js';

const TYPES = ['wake_requested', 'packet_sent', 'stage', 'ready', 'wake_failed', 'sleep_requested', 'sleep_refused', 'asleep', 'sleep_failed', 'unreachable', 'back',
  'policy_changed', 'hold', 'release', 'command_refused', 'access_refused', 'login', 'login_failed', 'config_loaded', 'config_rejected', 'store_problem'];
const FIELDS = ['server', 'domain', 'project', 'type', 'search', 'from', 'to'];

const iso = (local) => (local ? new Date(local).toISOString().slice(0, 19) + 'Z' : '');

export function create(context) {
  const { redraw } = context;
  const wanted = Object.fromEntries(FIELDS.map((f) => [f, context.query.get(f) || '']));
  let events = [], next = null, busy = false, timer = 0, turn = 0;

  const asked = () => ({ ...wanted, from: iso(wanted.from), to: iso(wanted.to) });

  async function load() {
    const mine = ++turn;
    const page = await api(`/events${query({ ...asked(), limit: 60 })}`);
    if (mine !== turn) return;
    ({ events, next } = page);
  }

  async function more() {
    busy = true;
    redraw();
    try {
      const page = await api(`/events${query({ ...asked(), limit: 60, before: next })}`);
      events = [...events, ...page.events];
      ({ next } = page);
    } catch (problem) { context.toast(problem.message, true); }
    busy = false;
    redraw();
  }

  function change(field, value, wait) {
    wanted[field] = value;
    clearTimeout(timer);
    timer = setTimeout(() => load().then(() => { redraw(); context.say(t('events.found', { n: events.length })); }, (p) => context.toast(p.message, true)), wait);
    redraw();
  }

  const choose = (field, options, words) => h('label', { class: 'field' }, t(`filter.${field}`), h('select', { id: `f-${field}`, value: wanted[field], onchange: (e) => change(field, e.target.value, 0) },
    h('option', { value: '' }, t('all')), options.map((o) => h('option', { value: o }, words ? words(o) : o))));
  const field = (id, type, wait) => h('label', { class: 'field' }, t(`filter.${id}`), h('input', { id: `f-${id}`, type, value: wanted[id], onchange: wait ? null : (e) => change(id, e.target.value, 0), oninput: wait ? (e) => change(id, e.target.value, wait) : null }));

  function fits(e) {
    return !wanted.search && !wanted.from && !wanted.to && ['server', 'domain', 'project', 'type'].every((f) => !wanted[f] || e[f] === wanted[f]);
  }

  function row(e) {
    const detail = eventDetail(e);
    return h('tr', { 'data-key': `e${e.id || e.at + e.type}` }, h('td', { class: 'tight' }, stamp(e.at, when)),
      h('td', null, e.server ? h('a', { href: `#/servers/${encodeURIComponent(e.server)}` }, e.server) : e.domain || '–', e.project ? h('span', { class: 'soft' }, ` · ${e.project}`) : null),
      h('td', null, h('b', null, eventWords(e))), h('td', { lang: detail && detail.lang, class: detail ? 'whole' : null }, detail && detail.text));
  }

  function render() {
    const domains = [...new Set([...live.servers.values()].flatMap((s) => s.domains))];
    const shown = mergeEvents(live.events.filter(fits), events);
    const link = (format) => h('a', { class: 'button', id: `export-${format}`, href: `/api/v1/events/export${query({ ...asked(), format })}`, download: `hall-events.${format}` }, icon('down'), format.toUpperCase());
    return [
      h('div', { class: 'head' }, h('div', null, h('h1', { tabindex: '-1' }, t('nav.events'))), h('div', { class: 'row', role: 'group', 'aria-label': t('export') }, h('span', { class: 'soft small' }, t('export')), link('csv'), link('json'))),
      h('section', { class: 'card filters', 'aria-label': t('filters') }, field('search', 'search', 350), choose('server', [...live.servers.keys()].slice(0, 500), (s) => live.servers.get(s).config.name), choose('domain', domains.slice(0, 500)), choose('project', [...live.projects.keys()].slice(0, 500)),
        choose('type', TYPES.filter((k) => has(`event.${k}`)), (k) => name('event', k)), field('from', 'datetime-local'), field('to', 'datetime-local')),
      h('section', { class: 'card' }, shown.length
        ? [h('div', { class: 'scroll' }, h('table', { id: 'events', class: 'stacked' }, h('caption', { class: 'vh' }, t('nav.events')), h('thead', null, h('tr', null, ['at', 'about', 'what', 'detail'].map((c) => h('th', { scope: 'col' }, t(`col.${c}`))))), h('tbody', null, shown.map(row)))),
          next !== null ? h('p', { class: 'row wrap' }, h('button', { disabled: busy, onclick: more }, busy ? t('loading') : t('more'))) : null]
        : h('p', { class: 'empty' }, t('events.none')))];
  }

  return { title: () => t('nav.events'), load, render, stop: () => clearTimeout(timer), quiet: () => true };
}
