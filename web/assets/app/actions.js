// What can be done with a server or project, and what Hall says to it.
import { api, path } from './api.js';
import { ask, h, say, toast } from './dom.js';
import { duration } from './format.js';
import { live } from './live.js';
import { leaseLine, leaseName, said } from './state.js';
import { name, t } from './words.js';

// Sends a command; true where it was accepted. Problems are told.
export async function command(promise, done) {
  try {
    const result = await promise;
    if (done) { toast(done); say(done); }
    return result || true;
  } catch (problem) {
    toast(problem.message, true);
    return null;
  }
}

export const wake = (server) => command(api(path('servers', server.id, 'wake'), { body: {} }), t('told.wake', { name: server.config.name }));
export const cancel = (server) => command(api(path('servers', server.id, 'cancel'), { body: {} }), t('told.cancel', { name: server.config.name }));

async function forced(known, action, why) {
  const server = live.servers.get(known.id) || known;
  const answer = await ask({
    title: t(`force.${action}.title`, { name: server.config.name }),
    body: [server.status.leases.length ? h('ul', { class: 'note bad stack' }, server.status.leases.map(leaseLine)) : null,
      h('p', { class: server.status.leases.length ? 'small soft' : 'note bad', lang: why.lang }, why.text), h('p', null, t(`force.${action}.text`))],
    actions: [{ text: t('cancel'), cancel: true }, { text: t(`force.${action}`), value: 'force', kind: 'main danger' }],
  });
  if (answer) await command(api(path('servers', server.id, action), { body: { force: true } }), t(`told.${action}`, { name: server.config.name }));
}

const waiting = new Map(); // id of a command -> what to do with a refusal that comes later

async function withVetoes(server, action) {
  try {
    const result = await api(path('servers', server.id, action), { body: {} });
    if (result && result.id) waiting.set(result.id, (why) => forced(server, action, why));
    toast(t(`told.${action}`, { name: server.config.name }));
  } catch (problem) {
    if (problem.status === 409) await forced(server, action, said(problem.data.result || {}, 'reason'));
    else toast(problem.message, true);
  }
}

export const sleep = (server) => withVetoes(server, 'sleep');

export async function restart(server) {
  const answer = await ask({ title: t('restart.title', { name: server.config.name }), body: h('p', null, t('restart.text')),
    actions: [{ text: t('cancel'), cancel: true }, { text: t('restart'), value: 'yes', kind: 'main' }] });
  if (answer) await withVetoes(server, 'restart');
}

// A result that came on the stream.
export function heardResult(result) {
  const told = result && result.id ? waiting.get(result.id) : null;
  if (!told || result.outcome === 'accepted') return;
  waiting.delete(result.id);
  if (result.outcome === 'refused' || result.outcome === 'failed') told(result.reason ? said(result, 'reason') : { text: name('outcome', result.outcome), lang: null });
}

export async function hold(server) {
  const hours = h('select', { id: 'hold-for', value: '2h' }, ['30m', '1h', '2h', '4h', '8h', '24h', '72h'].map((v) =>
    h('option', { value: v }, duration(v.endsWith('m') ? 60 * parseInt(v, 10) : 3600 * parseInt(v, 10)))));
  const reason = h('input', { id: 'hold-reason', required: true, maxlength: '63' });
  const answer = await ask({
    title: t('hold.title', { name: server.config.name }),
    body: [h('p', { class: 'soft' }, t('hold.text')), h('label', { class: 'field' }, t('hold.for'), hours), h('label', { class: 'field' }, t('hold.reason'), reason)],
    actions: [{ text: t('cancel'), cancel: true }, { text: t('hold'), value: 'hold', kind: 'main' }],
  });
  if (!answer) return;
  await command(api(path('servers', server.id, 'holds', 'dashboard'), { method: 'PUT', body: { for: hours.value, reason: reason.value } }), t('told.hold', { name: server.config.name }));
}

export const RELEASABLE = new Set(['visit', 'manual', 'hold']);
export const release = (id, lease) => command(api(path('servers', id, 'leases', lease.kind, lease.holder), { method: 'DELETE' }), t('told.release', { holder: leaseName(lease) }));
export const project = (id, action) => command(api(path('projects', id, action), { body: {} }), t('told.project', { name: id }));
