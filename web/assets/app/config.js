// The configuration as text: checked, compared, saved against changes of others, and its history.
import { api, path } from './api.js';
import { errorList, explain, readConfig, writeConfig } from './confdoc.js';
import { ask, h } from './dom.js';
import { number, stamp } from './format.js';
import { icon } from './icons.js';
import { t } from './words.js';

const show = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 1));

function diffList(changes) {
  if (!changes.length) return h('p', { class: 'soft' }, t('diff.same'));
  return h('ul', { class: 'diff' }, changes.map((c) => h('li', null, h('code', { class: 'at' }, c.pointer || '/'),
    'old' in c ? h('code', { class: 'old' }, h('span', { class: 'vh' }, t('diff.old')), `− ${show(c.old)}`) : null,
    'new' in c ? h('code', { class: 'new' }, h('span', { class: 'vh' }, t('diff.new')), `+ ${show(c.new)}`) : null)));
}

export function create(context) {
  const { redraw } = context;
  let etag = '', text = '', saved = '', report = null, versions = [], changes = [], busy = false, stamped = 0;

  async function load() {
    const [config, v, c] = await Promise.all([readConfig(), api('/config/versions'), api('/config/changes?limit=10')]);
    ({ etag } = config);
    text = saved = config.text;
    stamped++;
    ({ versions } = v);
    ({ changes } = c);
  }

  const guarded = async (what) => {
    busy = true;
    redraw();
    try { await what(); } catch (problem) { report = { kind: 'bad', body: problemBody(problem) }; }
    busy = false;
    redraw();
  };

  function problemBody(problem) {
    const errors = (problem.data && problem.data.errors) || [];
    return errors.length ? errorList(errors) : h('p', { lang: 'en' }, problem.message);
  }

  function readable() {
    try { JSON.parse(text); return true; } catch (error) {
      report = { kind: 'bad', body: h('p', null, t('config.notjson'), ' ', h('span', { lang: 'en' }, error.message)) };
      redraw();
      return false;
    }
  }

  const validate = () => readable() && guarded(async () => {
    const result = await api('/config/validate', { body: text });
    report = result.valid ? { kind: 'ok', body: h('p', null, icon('check'), ' ', t('config.valid')) } : { kind: 'bad', body: [h('p', null, t('config.errors', { n: result.errors.length })), errorList(result.errors)] };
  });

  const compare = () => readable() && guarded(async () => {
    report = { kind: '', body: [h('h3', null, t('diff.title')), diffList((await api('/config/diff', { body: text })).changes)] };
  });

  async function conflict() {
    const now = await readConfig();
    const answer = await ask({ title: t('conflict.title'), body: h('p', null, t('conflict.text')),
      actions: [{ text: t('cancel'), cancel: true }, { text: t('conflict.theirs'), value: 'theirs' }, { text: t('conflict.mine'), value: 'mine', kind: 'main danger' }] });
    if (answer === 'theirs') { ({ etag } = now); text = saved = now.text; stamped++; report = null; }
    if (answer === 'mine') { ({ etag } = now); await send(); }
  }

  async function send() {
    await writeConfig(text, etag);
    report = null;
    await load();
    context.toast(t('config.saved'));
    context.say(t('config.saved'));
  }

  const save = () => readable() && guarded(async () => {
    try { await send(); } catch (problem) { if (problem.status === 412) await conflict(); else throw problem; }
  });

  async function look(version) {
    try {
      const old = await api(path('config', 'versions', version.version), { raw: true });
      const { changes: what } = await api('/config/diff', { body: old.text });
      const answer = await ask({ title: t('version.title'), wide: true, body: [h('p', { class: 'soft' }, stamp(version.at), ` · ${version.by}`), h('p', null, t('version.what')), diffList(what)],
        actions: [{ text: t('close'), cancel: true }, ...(what.length ? [{ text: t('version.restore'), value: 'restore', kind: 'main' }] : [])] });
      if (answer !== 'restore') return;
      await api(path('config', 'versions', version.version, 'restore'), { method: 'POST', headers: { 'If-Match': etag } });
      context.toast(t('version.restored'));
      await load();
      redraw();
    } catch (problem) { await explain(problem); }
  }

  function render() {
    const dirty = text !== saved;
    return [
      h('div', { class: 'head' }, h('div', null, h('h1', { tabindex: '-1' }, t('nav.config')), h('p', { class: 'soft' }, t('config.what'))), dirty ? h('span', { class: 'chip', 'data-tone': 'ac' }, t('unsaved')) : null),
      h('section', { class: 'card stack' }, h('label', { class: 'field', for: 'editor' }, t('config.file'),
        h('textarea', { id: 'editor', class: 'editor', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', 'data-key': `v${stamped}`, value: text, oninput: (e) => { const was = text !== saved; text = e.target.value; if (was !== (text !== saved)) redraw(); } })),
      h('div', { class: 'row wrap' }, h('button', { class: 'main', id: 'save', disabled: busy || !dirty, onclick: save }, t('save')), h('button', { id: 'validate', disabled: busy, onclick: validate }, t('validate')), h('button', { id: 'compare', disabled: busy || !dirty, onclick: compare }, t('compare')),
        dirty ? h('button', { class: 'plain', onclick: () => { text = saved; stamped++; report = null; redraw(); } }, t('discard')) : null),
      h('div', { 'aria-live': 'polite', id: 'report' }, report ? h('div', { class: `note ${report.kind}` }, report.body) : null)),
      h('div', { class: 'two' },
        h('section', { class: 'card' }, h('h2', null, t('versions')), versions.length ? h('ul', { class: 'log' }, versions.map((v) => h('li', { 'data-key': v.version }, stamp(v.at), h('p', { class: 'row spread wrap' }, h('span', null, v.by, h('span', { class: 'soft small' }, ` · ${number(v.bytes)} B`)), h('button', { class: 'tiny', onclick: () => look(v) }, t('compare')))))) : h('p', { class: 'empty' }, t('versions.none'))),
        h('section', { class: 'card' }, h('h2', null, t('changes')), changes.length ? h('ul', { class: 'log' }, changes.map((c) => h('li', { 'data-key': `c${c.id}` }, stamp(c.at), h('p', null, h('span', { class: 'chip', 'data-tone': c.outcome === 'loaded' ? 'ok' : 'bad' }, icon(c.outcome === 'loaded' ? 'check' : 'unreachable'), outcomeWords(c.outcome)), ` ${c.by}`, c.detail ? h('span', { class: 'soft', lang: 'en' }, ` – ${c.detail}`) : null)))) : h('p', { class: 'empty' }, t('changes.none'))))];
  }

  const outcomeWords = (outcome) => t(`change.${outcome}`);

  return { title: () => t('nav.config'), load, render, quiet: () => true };
}
