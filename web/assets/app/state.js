// States, leases and what to say of a server.
import { h } from './dom.js';
import { ago, number, stamp, when } from './format.js';
import { icon } from './icons.js';
import { name, t } from './words.js';

export const STATES = ['ready', 'degraded', 'booting', 'waking', 'sleeping', 'off', 'unreachable', 'wake_failed', 'unknown'];
export const STAGES = ['packet_sent', 'first_sign', 'agent_online', 'docker_up', 'container_present', 'container_healthy', 'site_answers'];
const TONES = { ready: 'ok', degraded: 'warn', waking: 'warn', booting: 'warn', sleeping: 'night', unreachable: 'bad', wake_failed: 'bad',
  missing: 'bad', unhealthy: 'warn', starting: 'warn' };
const MOVING = new Set(['waking', 'booting', 'sleeping', 'starting']);

export const tone = (state) => TONES[state] || 'none';
export const isUp = (state) => state === 'ready' || state === 'degraded' || state === 'booting';

export function chip(state, group = 'state') {
  const drawn = { missing: 'unreachable', stopped: 'off', starting: 'booting', unhealthy: 'degraded' }[state] || state;
  return h('span', { class: 'chip', 'data-tone': tone(state), 'data-moving': MOVING.has(state), 'data-state': state }, icon(drawn), name(group, state));
}

// Whose it is: the reason of a hold, what an agent reports, else the holder.
export function leaseName(lease) {
  if (lease.kind === 'hold') return lease.label && lease.label !== lease.holder ? `${lease.holder} – ${lease.label}` : lease.holder;
  return lease.kind === 'agent' && lease.label ? `${lease.holder} – ${lease.label}` : lease.holder;
}

// Why it is awake: one sentence a lease.
export function because(lease) {
  const holder = leaseName(lease);
  const until = lease.until ? ` (${t('until', { at: when(lease.until) })})` : '';
  // Nobody took it: its own sentence says why it is there.
  if (lease.label_fact && lease.label_fact.code.startsWith('lease.found_')) return lease.label + until;
  return t(`lease.${lease.kind}`, { holder, label: lease.label || t('lease.short.stream'), ago: lease.since ? ago(lease.since) : '' }) + until;
}

export function leaseLine(lease) {
  return h('li', { 'data-key': `${lease.kind}/${lease.holder}` }, icon(lease.kind), h('span', null, because(lease)));
}

export function nextLine(status) {
  const next = status.next_event;
  if (!next || !next.at) return null;
  return h('li', { 'data-key': 'next' }, icon('next'), h('span', { class: 'soft' }, name('next', next.what), ' ', stamp(next.at)));
}

// Of the wake under way: 0 to 1, or null without an estimate.
export function progress(wake, startedAt) {
  if (!wake || wake.eta_s === null) return null;
  const elapsed = startedAt ? (Date.now() - startedAt) / 1000 : 0;
  return Math.min(0.97, elapsed / Math.max(0.1, elapsed + wake.eta_s));
}

export function stageList(stages, open, now) {
  const reached = STAGES.filter((s) => stages[s] !== null);
  const last = reached.length ? STAGES.indexOf(reached[reached.length - 1]) : -1;
  return h('ol', { class: 'stages' }, STAGES.map((stage, i) => {
    const at = stages[stage];
    const kind = at !== null ? 'done' : open && i === last + 1 ? 'now' : i <= last ? 'skipped' : open ? '' : 'missed';
    return h('li', { class: kind, 'aria-current': kind === 'now' ? 'step' : null }, h('b', null, name('stage', stage)),
      h('span', { class: 'num small' }, at !== null ? `${number(at, 1)} s` : kind === 'now' ? now || t('stage.now') : kind === 'skipped' ? t('stage.skipped') : '–'));
  }));
}

// Containers of a project, with their state where it is known.
export function containerWords(list) {
  return list.map((c) => (typeof c === 'string' ? c : `${c.name}${c.health || c.state ? ` (${name('cstate', c.health || c.state)})` : ''}`)).join(', ') || '–';
}

// What Hall says of it: { text, lang }. A sentence that has its fact beside it is in the reader's language, others are English.
export function said(of, key) {
  return { text: of[key] || '', lang: of[`${key}_fact`] ? null : 'en' };
}

export function saidSpan(of, key) {
  const { text, lang } = said(of, key);
  return h('span', { lang }, text || '–');
}
