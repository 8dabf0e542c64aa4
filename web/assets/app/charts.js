// Chart.js, loaded when the first chart is drawn. Each chart has a table besides it, for those who cannot see it.
import { h } from './dom.js';
import { language } from './words.js';

let loading = null;
const charts = new Map();

function library() {
  loading = loading || new Promise((resolve, reject) => {
    const script = h('script', { src: '/app/chart.js' });
    script.onload = () => resolve(window.Chart);
    script.onerror = () => { loading = null; reject(new Error('chart.js')); };
    document.head.append(script);
  });
  return loading;
}

export function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function defaults(Chart) {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.color = color('--soft');
  Chart.defaults.borderColor = color('--line');
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.locale = language();
}

// The canvas; make(): the configuration, asked for again when the theme changes.
export function chart(id, label, version, make) {
  const canvas = h('canvas', { role: 'img', 'aria-label': label });
  const box = h('div', { class: 'chart', 'data-keep': `${id}:${version}:${language()}`, 'data-chart': id }, canvas);
  const draw = async () => {
    const Chart = await library().catch(() => null);
    if (!Chart || !canvas.isConnected) return;
    if (charts.has(id)) charts.get(id).chart.destroy();
    defaults(Chart);
    charts.set(id, { chart: new Chart(canvas, make()), draw });
  };
  box.dataset.pending = '1';
  pending.push([box, draw]);
  return box;
}

const pending = [];
// After drawing: those that are really shown are filled.
export function drawCharts() {
  for (const [box, draw] of pending.splice(0)) if (box.isConnected && box.dataset.pending) { delete box.dataset.pending; draw(); }
}
export function dropCharts() {
  for (const { chart: old } of charts.values()) old.destroy();
  charts.clear();
}
addEventListener('hall-theme', () => { for (const { draw } of charts.values()) draw(); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { for (const { draw } of charts.values()) draw(); });
