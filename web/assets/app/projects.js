// Projects: state, visits, containers; added, edited and removed in the configuration.
import { project } from './actions.js';
import { changeConfig, explain, readConfig } from './confdoc.js';
import { ask, h } from './dom.js';
import { finder } from './finder.js';
import { ago, number } from './format.js';
import { icon } from './icons.js';
import { live } from './live.js';
import { chip, containerWords, saidSpan } from './state.js';
import { t } from './words.js';

const SLUG = '[a-z0-9_\\-]{1,64}';
const field = (label, name, value, more) => h('label', { class: 'field' }, t(label), h('input', { name, value: value || '', autocomplete: 'off', spellcheck: 'false', ...more }));

function projectForm(config, domain, id) {
  const own = id ? config.domains[domain].projects[id] : {};
  return [
    h('label', { class: 'field' }, t('project.domain'), h('select', { name: 'domain', value: domain || Object.keys(config.domains)[0], disabled: Boolean(id) }, Object.keys(config.domains).map((d) => h('option', { value: d }, d)))),
    field('project.id', 'id', id, { required: true, pattern: SLUG, readonly: Boolean(id), title: t('project.id.hint') }),
    field('project.path', 'path', own.path, { required: true, placeholder: '/client1', pattern: '/.*' }),
    field('project.upstream', 'upstream', own.upstream, { required: true, type: 'url', placeholder: 'http://192.168.1.20:8081' }),
    field('project.containers', 'containers', (own.containers || []).join(', '), { placeholder: 'client1-web, client1-db' }),
    field('project.health', 'health', own.health, { placeholder: '/health' }),
    field('project.idle', 'idle_stop', own.idle_stop, { placeholder: '1h', pattern: '[0-9]+(ms|s|m|h|d).*' })];
}

function readForm(elements, own) {
  const value = { ...own, path: elements.path.value.trim(), upstream: elements.upstream.value.trim() };
  const containers = elements.containers.value.split(/[,\s]+/).filter(Boolean);
  const put = (key, given) => { if (given && given.length) value[key] = given; else delete value[key]; };
  put('containers', containers);
  put('health', elements.health.value.trim());
  put('idle_stop', elements.idle_stop.value.trim());
  return value;
}

async function edit(domain, id) {
  let config;
  try { config = (await readConfig()).value; } catch (problem) { await explain(problem); return; }
  const body = projectForm(config, domain, id);
  const answer = await ask({ title: id ? t('project.edit.title', { name: id }) : t('project.add'), body,
    actions: [{ text: t('cancel'), cancel: true }, { text: t('save'), value: 'save', kind: 'main' }] });
  if (!answer) return;
  const elements = Object.fromEntries(body.map((l) => l.querySelector('input, select')).map((e) => [e.name, e]));
  const where = elements.domain.value, key = elements.id.value;
  await changeConfig((value) => {
    const into = value.domains[where];
    into.projects = into.projects || {};
    into.projects[key] = readForm(elements, into.projects[key]);
  }, t('project.saved', { name: key }));
}

async function remove(p) {
  const answer = await ask({ title: t('project.remove.title', { name: p.name }), body: h('p', null, t('project.remove.text')),
    actions: [{ text: t('cancel'), cancel: true }, { text: t('project.remove'), value: 'yes', kind: 'main danger' }] });
  if (!answer) return;
  await changeConfig((value) => {
    const { projects } = value.domains[p.status.domain];
    delete projects[p.id];
    if (!Object.keys(projects).length) delete value.domains[p.status.domain].projects;
  }, t('project.removed', { name: p.id }));
}

function card(p) {
  const act = (a) => h('button', { class: 'tiny', 'data-act': a, 'aria-label': `${t(`project.${a}`)}: ${p.name}`, onclick: () => project(p.id, a) }, t(`project.${a}`));
  const server = live.servers.get(p.status.server);
  return h('li', { class: 'card server', 'data-key': p.id, 'data-project': p.id },
    h('div', { class: 'row spread' }, h('h2', null, p.name), chip(p.state, 'pstate')),
    h('p', { class: 'soft' }, h('code', null, p.status.domain + (p.status.path === '/' ? '' : p.status.path))),
    h('dl', { class: 'facts' },
      h('dt', null, t('server')), h('dd', null, h('a', { href: `#/servers/${encodeURIComponent(p.status.server)}` }, server ? server.config.name : p.status.server)),
      h('dt', null, t('project.containers')), h('dd', null, containerWords(p.status.containers)),
      h('dt', null, t('project.visits')), h('dd', null, number(p.status.visits), p.status.last_visit ? h('span', { class: 'soft' }, ` (${ago(p.status.last_visit)})`) : null),
      p.status.problem ? [h('dt', null, t('problem')), h('dd', null, saidSpan(p.status, 'problem'))] : null),
    h('div', { class: 'foot' }, h('div', { class: 'row wrap' }, p.status.containers.length ? [act('start'), act('stop'), act('restart')] : h('span', { class: 'small soft' }, t('project.nocontainers'))),
      h('div', { class: 'row' }, h('button', { class: 'tiny', 'data-act': 'edit', 'aria-label': `${t('edit')}: ${p.name}`, onclick: () => edit(p.status.domain, p.id) }, t('edit')),
        h('button', { class: 'tiny danger', 'data-act': 'remove', 'aria-label': `${t('project.remove')}: ${p.name}`, onclick: () => remove(p) }, t('project.remove')))));
}

export function create(context) {
  const find = finder('find', context.redraw, (p) => `${p.id} ${p.name} ${p.status.domain}`);
  return {
    title: () => t('nav.projects'),
    render: () => {
      const all = [...live.projects.values()];
      return [
        h('div', { class: 'head' }, h('div', null, h('h1', { tabindex: '-1' }, t('nav.projects')), h('p', { class: 'soft' }, t('projects.what'))),
          h('button', { class: 'main', 'data-act': 'add', onclick: () => edit(null, null) }, icon('plus'), t('project.add'))),
        find.field(all), find.list(all, (some) => h('ul', { class: 'grid' }, some.map(card)), t('projects.none'))];
    },
  };
}
