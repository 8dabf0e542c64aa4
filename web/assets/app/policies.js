// Policies of the domains, edited in place, with what the next week would be.
import { api } from './api.js';
import { changeConfig, readConfig } from './confdoc.js';
import { h } from './dom.js';
import { finder } from './finder.js';
import { day, number, weekday } from './format.js';
import { icon } from './icons.js';
import { live } from './live.js';
import { name, t } from './words.js';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

// "mon-fri,sun" -> set of names, and back to the shortest form.
function readDays(text) {
  const found = new Set();
  for (const part of String(text || 'mon-sun').split(',')) {
    const [from, to] = part.trim().split('-').map((d) => DAYS.indexOf(d));
    if (from < 0) continue;
    for (let i = from; ; i = (i + 1) % 7) { found.add(DAYS[i]); if (to === undefined || i === to) break; }
  }
  return found;
}

export function writeDays(days) {
  const parts = [];
  for (let i = 0; i < 7; i++) {
    if (!days.has(DAYS[i])) continue;
    let end = i;
    while (end + 1 < 7 && days.has(DAYS[end + 1])) end++;
    parts.push(end === i ? DAYS[i] : end === i + 1 ? `${DAYS[i]},${DAYS[end]}` : `${DAYS[i]}-${DAYS[end]}`);
    i = end;
  }
  return parts.join(',');
}

/* The week to come */

function week(preview) {
  const start = new Date();
  start.setHours(0, 0, 0, 0);
  const days = Array.from({ length: 7 }, (_, i) => { const d = new Date(start); d.setDate(d.getDate() + i); return d; });
  const spans = preview.windows.map((w) => [new Date(w.from), new Date(w.to)]);
  return h('div', { class: 'week', role: 'img', 'aria-label': t('preview.label', { hours: number(preview.hours_on, 1) }) },
    h('div', { class: 'hours' }, h('span'), h('div', null, ['0', '6', '12', '18', '24'].map((x) => h('span', null, x)))),
    days.map((d) => {
      const next = new Date(d);
      next.setDate(next.getDate() + 1);
      const whole = next - d;
      const parts = spans.filter(([a, b]) => a < next && b > d).map(([a, b]) => {
        const left = (100 * Math.max(0, a - d)) / whole, right = (100 * Math.min(whole, b - d)) / whole;
        return h('i', { style: { left: `${left}%`, width: `${right - left}%` } });
      });
      return h('div', { class: 'day' }, h('span', null, day(d)), h('div', { class: 'bar' }, parts));
    }));
}

export function create(context) {
  const { redraw } = context;
  const find = finder('find', redraw, ([domain, draft]) => `${domain} ${draft.server}`);
  let drafts = new Map(); // domain -> { policy, server, dirty, preview, problem }
  let timer = 0;

  async function load() {
    const { value } = await readConfig();
    drafts = new Map(Object.entries(value.domains).map(([domain, d]) => [domain, { server: d.server, policy: structuredClone(d.policy || { mode: 'on_demand' }), dirty: false, preview: null, problem: null }]));
    await Promise.all([...drafts.values()].slice(0, 20).map(look));
  }

  async function look(draft) {
    try {
      draft.preview = await api('/policies/preview', { body: { policy: clean(draft.policy), days: 7 }, background: true });
      draft.problem = null;
    } catch (problem) {
      const errors = (problem.data && problem.data.errors) || [];
      draft.problem = errors.length ? { text: errors.map((e) => e.message).join('; '), lang: null } : { text: problem.message, lang: 'en' };
    }
  }

  function changed(draft) {
    draft.dirty = true;
    clearTimeout(timer);
    timer = setTimeout(() => look(draft).then(redraw), 350);
    redraw();
  }

  // What the chosen mode has no use for is left out.
  function clean(policy) {
    const out = structuredClone(policy);
    if (out.mode !== 'scheduled') for (const key of ['windows', 'except', 'otherwise', 'holidays', 'catch_up']) delete out[key];
    if (out.mode === 'scheduled' && out.except && !out.except.length) delete out.except;
    return out;
  }

  async function save(domain, draft) {
    if (await changeConfig((value) => { value.domains[domain].policy = clean(draft.policy); }, t('policy.saved', { name: domain }))) draft.dirty = false;
    redraw();
  }

  function windowEditor(draft, w, i, domain) {
    const days = readDays(w.days);
    const toggle = (d, on) => { if (on) days.add(d); else days.delete(d); if (days.size) { w.days = writeDays(days); } changed(draft); };
    return h('fieldset', { class: 'window', 'data-key': `w${i}` }, h('legend', { class: 'vh' }, t('window.n', { n: i + 1 })),
      h('div', { class: 'days' }, DAYS.map((d, k) => h('label', null, h('input', { type: 'checkbox', checked: days.has(d), 'aria-label': weekday(k, 'long'), onchange: (e) => toggle(d, e.target.checked) }), h('span', { 'aria-hidden': 'true' }, weekday(k))))),
      h('div', { class: 'times' },
        h('label', { class: 'field' }, t('window.from'), h('input', { type: 'time', value: w.from, required: true, onchange: (e) => { w.from = e.target.value; changed(draft); } })),
        h('label', { class: 'field' }, t('window.to'), h('input', { type: 'time', value: w.to, required: true, onchange: (e) => { w.to = e.target.value; changed(draft); } })),
        h('button', { type: 'button', class: 'plain tiny', 'aria-label': t('window.remove', { n: i + 1 }), onclick: () => { draft.policy.windows.splice(i, 1); changed(draft); } }, icon('close'))));
  }

  function schedule(draft, domain) {
    const { policy } = draft;
    policy.windows = policy.windows || [{ days: 'mon-fri', from: '08:00', to: '18:00' }];
    return [
      policy.windows.map((w, i) => windowEditor(draft, w, i, domain)),
      h('button', { type: 'button', class: 'tiny', onclick: () => { policy.windows.push({ days: 'mon-fri', from: '08:00', to: '18:00' }); changed(draft); } }, icon('plus'), t('window.add')),
      h('label', { class: 'field' }, t('policy.except'), h('input', { value: (policy.except || []).filter((e) => typeof e === 'string').join(', '), placeholder: '2026-12-25, 2027-01-01', disabled: (policy.except || []).some((e) => typeof e !== 'string'),
        onchange: (e) => { policy.except = e.target.value.split(/[,\s]+/).filter(Boolean); changed(draft); } })),
      h('label', { class: 'field' }, t('policy.otherwise'), h('select', { value: policy.otherwise || 'on_demand', onchange: (e) => { policy.otherwise = e.target.value; changed(draft); } },
        ['on_demand', 'refuse'].map((v) => h('option', { value: v }, name('otherwise', v)))))];
  }

  function card([domain, draft]) {
    const server = live.servers.get(draft.server);
    return h('section', { class: 'card stack', 'data-key': domain, 'data-domain': domain },
      h('div', { class: 'cardhead' }, h('div', null, h('h2', null, domain), h('a', { class: 'small', href: `#/servers/${encodeURIComponent(draft.server)}` }, server ? server.config.name : draft.server)),
        draft.dirty ? h('span', { class: 'chip', 'data-tone': 'ac' }, t('unsaved')) : null),
      server && server.status.policy !== server.configured_policy ? h('p', { class: 'note' }, t('policy.override', { mode: name('mode', server.status.policy) })) : null,
      h('div', { class: 'seg', role: 'radiogroup', 'aria-label': `${t('policy')}: ${domain}` }, ['on_demand', 'scheduled', 'always_on'].map((mode) => h('label', null,
        h('input', { type: 'radio', name: `mode-${domain}`, value: mode, checked: draft.policy.mode === mode, onchange: () => { draft.policy.mode = mode; changed(draft); } }), h('span', null, name('mode', mode))))),
      h('p', { class: 'soft small' }, t(`mode.${draft.policy.mode}.what`)),
      draft.policy.mode === 'scheduled' ? schedule(draft, domain) : null,
      draft.policy.mode !== 'always_on' ? h('label', { class: 'field' }, t('policy.idle'), h('input', { value: draft.policy.idle || '', placeholder: '20m', pattern: '[0-9]+(s|m|h|d).*', onchange: (e) => { if (e.target.value.trim()) draft.policy.idle = e.target.value.trim(); else delete draft.policy.idle; changed(draft); } })) : null,
      h('h3', null, t('preview')),
      !draft.preview && !draft.problem ? h('p', null, h('button', { type: 'button', class: 'tiny', onclick: () => look(draft).then(redraw) }, t('preview.show'))) :
      draft.problem ? h('p', { class: 'note bad', role: 'alert', lang: draft.problem.lang }, draft.problem.text) : draft.preview && draft.policy.mode === 'on_demand' ? h('p', { class: 'soft' }, t('preview.demand')) : draft.preview ? [week(draft.preview), h('p', { class: 'small soft' }, t('preview.sum', { hours: number(draft.preview.hours_on, 1), zone: draft.preview.timezone }))] : h('p', { class: 'soft' }, t('loading')),
      h('div', { class: 'row wrap' }, h('button', { class: 'main', 'data-act': 'save', disabled: !draft.dirty || Boolean(draft.problem), onclick: () => save(domain, draft) }, t('save')),
        draft.dirty ? h('button', { class: 'plain', onclick: () => load().then(redraw) }, t('discard')) : null));
  }

  return {
    title: () => t('nav.policies'),
    load,
    render: () => [h('div', { class: 'head' }, h('div', null, h('h1', { tabindex: '-1' }, t('nav.policies')), h('p', { class: 'soft' }, t('policies.what')))),
      find.field([...drafts]), find.list([...drafts], (some) => h('div', { class: 'two' }, some.map(card)), t('policies.none'))],
  };
}
