// One event as a sentence.
import { h } from './dom.js';
import { stamp } from './format.js';
import { said } from './state.js';
import { name } from './words.js';

export function eventWords(event) {
  const stage = event.body && event.body.stage;
  return event.type === 'stage' && stage ? name('stage', stage) : name('event', event.type);
}

// What the words do not say already, as said() has it.
export function eventDetail(event) {
  if (!event.detail || event.type === 'stage') return null;
  return said(event, 'detail');
}

// That a packet was sent is told twice: as itself, and as a stage.
export const isEcho = (event) => event.type === 'stage' && Boolean(event.body) && event.body.stage === 'packet_sent';

export function eventLine(event, withServer) {
  const detail = eventDetail(event);
  const about = withServer && (event.project || event.server || event.domain);
  return h('li', { 'data-key': `e${event.id || event.at + event.type}` }, stamp(event.at),
    h('p', null, about ? h('b', null, `${about} · `) : null, eventWords(event),
      detail ? h('span', { class: 'soft', lang: detail.lang }, ` – ${detail.text}`) : null));
}

// Those of the stream have no id; those read from the store do.
export function mergeEvents(fresh, stored) {
  const known = new Set(stored.map((e) => e.at + e.type + e.server));
  return [...fresh.filter((e) => !known.has(e.at + e.type + e.server)), ...stored].filter((e) => !isEcho(e));
}
