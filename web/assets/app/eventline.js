// One event as a sentence.
import { h } from './dom.js';
import { stamp } from './format.js';
import { name } from './words.js';

export function eventWords(event) {
  const stage = event.body && event.body.stage;
  return event.type === 'stage' && stage ? name('stage', stage) : name('event', event.type);
}

export function eventLine(event, withServer) {
  const about = withServer && (event.project || event.server || event.domain);
  return h('li', { 'data-key': `e${event.id || event.at + event.type}` }, stamp(event.at),
    h('p', null, about ? h('b', null, `${about} · `) : null, eventWords(event),
      event.detail ? h('span', { class: 'soft', lang: 'en' }, ` – ${event.detail}`) : null));
}

// Those of the stream have no id; those read from the store do.
export function mergeEvents(fresh, stored) {
  const known = new Set(stored.map((e) => e.at + e.type + e.server));
  return [...fresh.filter((e) => !known.has(e.at + e.type + e.server)), ...stored];
}
