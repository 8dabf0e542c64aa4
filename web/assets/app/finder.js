// Long lists: a field to search in them, and only the first of what is found.
import { h } from './dom.js';
import { t } from './words.js';

const SHOWN = 60, SEARCH_FROM = 12;

// words(item): what is searched; draw(items): what is shown.
export function finder(id, redraw, words) {
  let wanted = '';
  return {
    field: (items) => (items.length > SEARCH_FROM ? h('label', { class: 'field' }, t('search'), h('input', {
      type: 'search', id, oninput: (e) => { wanted = e.target.value.trim().toLowerCase(); redraw(); } })) : null),
    list: (items, draw, none) => {
      const found = wanted ? items.filter((item) => words(item).toLowerCase().includes(wanted)) : items;
      if (!found.length) return h('p', { class: 'card empty' }, items.length ? t('list.none') : none);
      return [draw(found.slice(0, SHOWN)), found.length > SHOWN ? h('p', { class: 'soft' }, t('list.more', { n: found.length - SHOWN })) : null];
    },
  };
}
