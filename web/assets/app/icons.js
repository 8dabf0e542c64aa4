// Line icons on a 24 grid, drawn for Hall.
import { h } from './dom.js';

const paths = {
  overview: 'M4 11l8-7 8 7M6 10v9h12v-9M10 19v-5h4v5',
  projects: 'M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z',
  policies: 'M5 5h14v15H5zM5 10h14M9 3v4M15 3v4M9 14h2M13 14h2',
  events: 'M5 6h14M5 12h14M5 18h9',
  access: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4',
  statistics: 'M5 20V11M10 20V5M15 20v-7M20 20V8',
  config: 'M9 8l-4 4 4 4M15 8l4 4-4 4',
  ready: 'M5 12.5l4.5 4.5L19 7.5',
  off: 'M19 14.5A7.5 7.5 0 0 1 9.5 5 7.5 7.5 0 1 0 19 14.5z',
  waking: 'M4 18h16M7 18a5 5 0 0 1 10 0M12 5v4M5 9l2 2M19 9l-2 2',
  booting: 'M12 4v3M12 17v3M4 12h3M17 12h3M6.5 6.5l2 2M15.5 15.5l2 2M17.5 6.5l-2 2M8.5 15.5l-2 2',
  degraded: 'M12 4l9 16H3zM12 10v4M12 17v.5',
  sleeping: 'M4 18h16M7 18a5 5 0 0 1 10 0M12 4v5M9.5 6.5L12 9l2.5-2.5',
  unreachable: 'M7 7l10 10M17 7L7 17',
  wake_failed: 'M12 6v8M12 18v.5',
  unknown: 'M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.5',
  visit: 'M8 11a3.2 3.2 0 1 0 0-.1M3 20c.5-4 2.5-6 5-6s4.500 2 5 6M16 8l5 4-5 4M21 12h-7',
  schedule: 'M12 3a9 9 0 1 0 .1 0M12 7v5l3 2',
  always_on: 'M12 3v9M6.500 6.500a8 8 0 1 0 11 0',
  manual: 'M9 11V5a1.500 1.500 0 0 1 3 0v5l5 1.500c1.500.5 2 1.500 2 3V20H10L6 14.500c-1-1.500 1-2.500 2-1.500l1 1',
  hold: 'M7 11h10v9H7zM9 11V8a3 3 0 0 1 6 0v3',
  agent: 'M5 5h14v10H5zM9 19h6M12 15v4',
  stream: 'M5 8h11l-3-3M19 16H8l3 3',
  dependent: 'M10 14l4-4M8 12l-2 2a3 3 0 0 0 4 4l2-2M16 12l2-2a3 3 0 0 0-4-4l-2 2',
  next: 'M5 12h13M13 7l5 5-5 5',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  out: 'M14 4h5v16h-5M4 12h10M10 8l4 4-4 4',
  plus: 'M12 5v14M5 12h14',
  down: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  ping: 'M4 12h4l2-6 4 12 2-6h4',
  packet: 'M3 7h18v11H3zM3 8l9 6 9-6',
  globe: 'M12 3a9 9 0 1 0 .1 0M3.500 12h17M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18',
  leaf: 'M5 19c0-9 5-13 14-14 0 9-4 14-11 13M5 21c1-5 4-8 8-10',
  check: 'M5 12.500l4.500 4.500L19 7.500',
};

export function icon(name) {
  return h('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' }, h('path', { d: paths[name] || paths.unknown }));
}

// The landscape of the waiting page; rise: 0 (night) to 1.
export function scene(rise) {
  const id = 'sky';
  return h('svg', { class: 'scene', viewBox: '0 0 640 190', preserveAspectRatio: 'xMidYMax slice', 'aria-hidden': 'true', focusable: 'false' },
    h('defs', null, h('linearGradient', { id, x2: '0', y2: '1' }, h('stop', { class: 'a' }), h('stop', { class: 'b', offset: '1' }))),
    h('path', { fill: `url(#${id})`, d: 'M0 0h640v190H0z' }),
    h('circle', { class: 'sun', cx: '520', cy: String(Math.round(175 - 110 * rise)), r: '30' }),
    h('path', { class: 'h1', d: 'M0 142c90-34 170-30 250-8s170 22 240-4 110-24 150-14v74H0z' }),
    h('path', { class: 'h2', d: 'M0 172c120-30 210-26 320-16s220 2 320-14v48H0z' }));
}
