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

// What Hall writes of an event in the known forms, as [pattern, word]; $1 and $2 go into the word.
const DETAILS = [
  [/^ready after ([\d.]+) s \((resume|cold_boot)\)$/, 'detail.ready'],
  [/^magic packet (\d+)$/, 'detail.packet'],
  [/^silence is proven$/, 'detail.silent'],
  [/^no sign of life$/, 'detail.nolife'],
  [/^all required checks pass$/, 'detail.checks'],
  [/^a required check fails$/, 'detail.check_fails'],
  [/^it was up and fell silent without a goodbye/, 'detail.silent_fall'],
  [/^sleep by idle$/, 'detail.idle'],
  [/^sleep by (.+)$/, 'detail.by'],
  [/^restart by (.+)$/, 'detail.by'],
];

const NOT_READY = /^not ready after (\d+) s, last stage reached: (\w+); (.+)$/;
// Its end: what to look at.
const ADVICE = [
  [/^it is up, but a check does not pass: (.+)$/, 'advice.check'],
  [/^no sign of life: check/, 'advice.no_sign'],
  [/^another machine answers/, 'advice.other_mac'],
  [/^it is up, but/, 'advice.not_ready'],
  [/^no magic packet/, 'advice.no_packet'],
];

function failureWords([, seconds, stage, advice]) {
  const known = ADVICE.find(([pattern]) => pattern.test(advice));
  const words = known ? t(known[1], { check: known[0].exec(advice)[1] }) : advice;
  return t('detail.not_ready', { seconds, stage: stage === 'none' ? t('none') : name('stage', stage), advice: words });
}

// In the reader's language where it is one of those or a cause, else null.
export function detailWords(text) {
  const failed = NOT_READY.exec(text);
  if (failed) return failureWords(failed);
  for (const [pattern, word] of DETAILS) {
    const found = pattern.exec(text);
    if (found && word === 'detail.ready') return t(word, { seconds: number(Number(found[1]), 1), kind: name('kind', found[2]) });
    if (found) return t(word, { what: found[1] });
  }
  return causeWords(text) === text ? null : causeWords(text);
}

// A sentence of Hall's: { text, lang }, the language being its own where the sentence is not a known one.
export function inWords(sentence) {
  const words = detailWords(sentence);
  return { text: words || sentence, lang: words ? null : 'en' };
}

export function inWordsSpan(sentence) {
  const { text, lang } = inWords(sentence);
  return h('span', { lang }, text);
}

// "visit of client1": what Hall writes as a wake's cause, in the reader's language where it is one of the known forms.
export function causeWords(cause) {
  const text = cause || '';
  const found = /^(visit|schedule|always_on|manual|hold|agent|dependent|stream) of (.+)$/.exec(text);
  const asked = /^wake command by (.+)$/.exec(text);
  const needed = /^(.+) needs it$/.exec(text);
  if (found) return t('cause.of', { kind: name('lease.short', found[1]), what: found[2] });
  if (asked) return t('cause.of', { kind: name('lease.short', 'manual'), what: asked[1] });
  return needed ? t('lease.dependent', { holder: needed[1] }) : text || '–';
}
