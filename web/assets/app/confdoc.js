// The configuration as a document that several people may edit: read with its ETag, changed, given back only if nobody else
// changed it meanwhile.
import { api } from './api.js';
import { ask, h, say, toast } from './dom.js';
import { t } from './words.js';

export async function readConfig() {
  const { text, etag } = await api('/config', { raw: true });
  return { text, etag, value: JSON.parse(text) };
}

export function errorList(errors) {
  return h('ul', { class: 'errors' }, errors.map((e) => h('li', null, e.pointer ? h('code', null, e.pointer) : null, e.pointer ? ' ' : '', e.message)));
}

export const writeConfig = (text, etag) => api('/config', { method: 'PUT', body: text, headers: { 'If-Match': etag } });

// Reads, changes by edit(value), writes; once more where somebody came between and the change still fits.
export async function changeConfig(edit, done) {
  for (let attempt = 0; attempt < 3; attempt++) {
    const config = await readConfig();
    edit(config.value);
    try {
      await writeConfig(`${JSON.stringify(config.value, null, 2)}\n`, config.etag);
      toast(done);
      say(done);
      return true;
    } catch (problem) {
      if (problem.status === 412 && attempt < 2) continue;
      await explain(problem);
      return false;
    }
  }
  return false;
}

export function explain(problem) {
  const errors = (problem.data && problem.data.errors) || [];
  return ask({ title: t('config.refused'), body: errors.length ? errorList(errors) : h('p', { lang: 'en' }, problem.message), actions: [{ text: t('close'), value: 'ok', kind: 'main' }] });
}
