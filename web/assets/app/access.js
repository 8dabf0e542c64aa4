// Who was refused and why, with allow and deny at once; and who logged in here.
import { api, query } from './api.js';
import { ask, h } from './dom.js';
import { number, stamp } from './format.js';
import { icon } from './icons.js';
import { saidSpan } from './state.js';
import { t } from './words.js';
import { live } from './live.js';

export function create(context) {
  const { redraw } = context;
  let refusals = [], next = null, logins = [], address = '', paged = false;
  // What waits to be written is not in the store yet when its event comes; so it is looked at again.
  const timer = setInterval(() => { if (!paged && !document.hidden) load().then(redraw, () => {}); }, 5000);

  async function load() {
    const [a, b] = await Promise.all([api(`/access${query({ limit: 50, address })}`, { background: true }), api('/logins?limit=15', { background: true })]);
    paged = false;
    refusals = a.refusals;
    ({ next } = a);
    ({ logins } = b);
  }

  async function more() {
    try {
      const page = await api(`/access${query({ limit: 50, address, before: next })}`);
      paged = true;
      refusals = [...refusals, ...page.refusals];
      ({ next } = page);
    } catch (problem) { context.toast(problem.message, true); }
    redraw();
  }

  async function domainOf(refusal, action) {
    if (refusal.domain) return refusal.domain;
    const domains = [...new Set([...live.servers.values()].flatMap((s) => s.domains))];
    if (!domains.length) return null;
    const select = h('select', { value: domains[0] }, domains.map((d) => h('option', { value: d }, d)));
    const answer = await ask({ title: t(`rule.${action}.title`, { address: refusal.address }), body: h('label', { class: 'field' }, t('filter.domain'), select),
      actions: [{ text: t('cancel'), cancel: true }, { text: t(`rule.${action}`), value: 'yes', kind: 'main' }] });
    return answer ? select.value : null;
  }

  async function rule(refusal, action) {
    const domain = await domainOf(refusal, action);
    if (!domain) return;
    try {
      const result = await api('/access/rules', { body: { action, address: refusal.address, domain } });
      const text = result.changed ? t(`rule.${action}.done`, { address: refusal.address, domain }) : t('rule.same');
      context.toast(text);
      context.say(text);
    } catch (problem) { context.toast(problem.message, true); }
  }

  const button = (r, action) => h('button', { class: action === 'deny' ? 'tiny danger' : 'tiny', 'data-act': action, 'aria-label': `${t(`rule.${action}`)}: ${r.address}`, onclick: () => rule(r, action) }, t(`rule.${action}`));

  function row(r) {
    return h('tr', { 'data-key': `r${r.id}` }, h('td', { class: 'tight' }, stamp(r.last)), h('td', { class: 'tight' }, h('code', null, r.address)),
      h('td', null, r.domain || '–', r.path ? h('code', { class: 'soft' }, ` ${r.path}`) : null), h('td', { class: 'whole' }, saidSpan(r, 'why')), h('td', { class: 'right' }, `${number(r.count)}×`),
      h('td', { class: 'right' }, h('div', { class: 'row' }, button(r, 'allow'), button(r, 'deny'))));
  }

  function loginLine(l) {
    return h('li', { 'data-key': `l${l.id}` }, stamp(l.at), h('p', null, h('span', { class: 'chip', 'data-tone': l.ok ? 'ok' : 'bad' }, icon(l.ok ? 'check' : 'unreachable'), l.ok ? t('login.ok') : t('login.failed')), ' ', h('code', null, l.address), l.detail ? h('span', { class: 'soft', lang: 'en' }, ` ${l.detail}`) : null));
  }

  return {
    title: () => t('nav.access'),
    load,
    stop: () => clearInterval(timer),
    render: () => [
      h('div', { class: 'head' }, h('div', null, h('h1', { tabindex: '-1' }, t('nav.access')), h('p', { class: 'soft' }, t('access.what'))),
        h('label', { class: 'field' }, t('filter.address'), h('input', { type: 'search', id: 'f-address', value: address, onchange: (e) => { address = e.target.value.trim(); load().then(redraw, (p) => context.toast(p.message, true)); } }))),
      h('section', { class: 'card' }, h('h2', null, t('refused')), refusals.length
        ? [h('div', { class: 'scroll' }, h('table', { id: 'refusals', class: 'stacked' }, h('caption', { class: 'vh' }, t('refused')), h('thead', null, h('tr', null, ['at', 'address', 'about', 'why', 'count'].map((c) => h('th', { scope: 'col', class: c === 'count' ? 'right' : null }, t(`col.${c}`))), h('th', { scope: 'col' }, h('span', { class: 'vh' }, t('actions'))))), h('tbody', null, refusals.map(row)))),
          next !== null ? h('p', null, h('button', { onclick: more }, t('more'))) : null]
        : h('p', { class: 'empty' }, t('refused.none'))),
      h('section', { class: 'card' }, h('h2', null, t('logins')), logins.length ? h('ul', { class: 'log' }, logins.map(loginLine)) : h('p', { class: 'empty' }, t('logins.none')))],
  };
}
