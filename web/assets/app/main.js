// The frame around the screens: who is logged in, where we are, how the connection is.
import { login, logout, onLoggedOut, session } from './api.js';
import { h, morph, say, toast } from './dom.js';
import { clock } from './format.js';
import { icon } from './icons.js';
import { ask, listen, live, start, stop, watchPerson } from './live.js';
import * as access from './access.js';
import * as config from './config.js';
import * as events from './events.js';
import { loginScreen } from './login.js';
import * as overview from './overview.js';
import * as policies from './policies.js';
import * as projects from './projects.js';
import * as server from './server.js';
import * as statistics from './statistics.js';
import { saidSpan } from './state.js';
import { language, setLanguage, t } from './words.js';

const screens = { '': overview, servers: server, projects, policies, events, access, statistics, config };
const places = ['', 'projects', 'policies', 'events', 'access', 'statistics', 'config'];
const placeName = (place) => t(`nav.${place || 'overview'}`);

const app = document.getElementById('app');
let info = null, screen = null, problem = null, loading = false, drawing = 0, open = false, turn = 0;

/* Preferences stay on this device. */
const kept = { get: (k) => { try { return localStorage.getItem(k); } catch { return null; } },
  set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private window */ } } };

function setTheme(theme) {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  kept.set('hall.theme', theme);
  dispatchEvent(new Event('hall-theme'));
}

function changeLanguage(name) {
  setLanguage(name);
  kept.set('hall.language', name);
  stop(); // what Hall says is asked for anew, in this language
  arrive();
}

/* Drawing */

function preference(id, label, value, options, what) {
  return h('select', { id, 'aria-label': label, value, onchange: (e) => what(e.target.value) },
    options.map(([key, text]) => h('option', { value: key }, text)));
}

function linkLine() {
  return h('p', { class: 'link', 'data-link': live.link }, h('span', { class: 'dot' }), t(`link.${live.link}`));
}

function side() {
  const here = location.hash.slice(2).split(/[/?]/)[0];
  return h('aside', { class: open ? 'side open' : 'side', id: 'side' },
    h('a', { class: 'brand', href: '#/' }, h('img', { src: '/app/icon.svg', alt: '', width: '30', height: '30' }), info.site === 'hall' ? 'Hall' : `Hall · ${info.site}`),
    h('nav', { 'aria-label': t('nav.label') }, h('ul', null, places.map((place) => h('li', null, h('a', {
      href: `#/${place}`, 'aria-current': here === place || (here === 'servers' && place === '') ? 'page' : null, onclick: () => { open = false; },
    }, icon(place || 'overview'), placeName(place)))))),
    h('div', { class: 'foot' }, linkLine(),
      h('div', { class: 'prefs' },
        preference('language', t('pref.language'), language(), [['en', 'English'], ['fr', 'Français']], changeLanguage),
        preference('theme', t('pref.theme'), document.documentElement.dataset.theme || 'auto',
          [['auto', t('theme.auto')], ['light', t('theme.light')], ['dark', t('theme.dark')]], (v) => { setTheme(v); redraw(); })),
      h('button', { class: 'plain', onclick: leave }, icon('out'), t('logout'))));
}

function top() {
  return h('header', { class: 'top' },
    h('a', { class: 'brand', href: '#/' }, h('img', { src: '/app/icon.svg', alt: '', width: '30', height: '30' }), 'Hall'),
    h('button', { class: 'plain', id: 'menu', 'aria-expanded': String(open), 'aria-controls': 'side', 'aria-label': open ? t('menu.close') : t('menu.open'),
      onclick: () => { open = !open; redraw(); } }, icon(open ? 'close' : 'menu')));
}

function banner() {
  if (live.link === 'lost') return h('p', { class: 'banner bad', id: 'lost', role: 'alert' }, icon('unreachable'), t('lost', { at: clock(new Date(live.heard)) }), h('button', { onclick: ask }, t('retry')));
  if (live.info && live.info.config_problem) return h('p', { class: 'banner bad', role: 'alert' }, icon('degraded'), h('span', null, t('config.problem'), ' ', saidSpan(live.info, 'config_problem')));
  if (live.info && live.info.clock_problem) return h('p', { class: live.info.clock_trusted ? 'banner' : 'banner bad', id: 'clock', role: 'alert' }, icon('degraded'), saidSpan(live.info, 'clock_problem'));
  if (live.info && live.info.store.problem) return h('p', { class: 'banner' }, icon('degraded'), h('span', null, t('store.problem'), ' ', h('span', { lang: 'en' }, live.info.store.problem)));
  if (live.info && live.info.store_salvaged) return h('p', { class: 'banner' }, icon('degraded'), h('span', null, t('store.problem'), ' ', saidSpan(live.info, 'store_salvaged')));
  if (live.info && !live.info.broker.connected) return h('p', { class: 'banner' }, icon('degraded'), t('broker.problem'));
  return null;
}

function content() {
  if (problem) return [h('h1', { tabindex: '-1' }, t('error.title')), h('div', { class: 'card stack' },
    h('p', { role: 'alert' }, problem.message), h('p', null, h('button', { class: 'main', onclick: arrive }, t('retry'))))];
  if (loading) return [h('h1', { tabindex: '-1' }, screen.title()), h('div', { class: 'loading', 'aria-busy': 'true', 'aria-label': t('loading') }, h('span'), h('span'), h('span'))];
  return screen.render();
}

function draw() {
  drawing = 0;
  if (!info || !info.authenticated || !screen) return;
  const tree = h('div', { class: 'frame' },
    h('a', { class: 'skip', href: '#main', onclick: (e) => { e.preventDefault(); focusTitle(); } }, t('skip')),
    side(), top(), h('main', { class: 'page', id: 'main' }, banner(), content()));
  if (app.firstElementChild && app.firstElementChild.className === 'frame') morph(app.firstElementChild, tree);
  else app.replaceChildren(tree);
  if (screen.drawn && !loading && !problem) screen.drawn();
}

function redraw() {
  if (!drawing) drawing = requestAnimationFrame(draw);
}

function focusTitle() {
  const title = document.querySelector('main h1');
  if (title) { title.tabIndex = -1; title.focus({ preventScroll: true }); }
}

/* Going somewhere */

async function arrive() {
  const mine = ++turn;
  const [place, id] = location.hash.replace(/^#\/?/, '').split('?')[0].split('/').map(decodeURIComponent);
  const module = screens[place] || overview;
  if (screen && screen.stop) screen.stop();
  screen = module.create({ id, redraw, query: new URLSearchParams(location.hash.split('?')[1] || ''), toast, say });
  problem = null;
  open = false;
  loading = Boolean(screen.load) || !live.info;
  document.title = `${screen.title()} – Hall`;
  draw();
  scrollTo(0, 0);
  try {
    await start();
    if (screen.load) await screen.load();
  } catch (error) {
    if (mine === turn) problem = error;
  }
  if (mine !== turn) return;
  loading = false;
  document.title = `${screen.title()} – Hall`;
  draw();
  focusTitle();
}

async function leave() {
  try { await logout(); } catch { /* it has ended anyway */ }
  shut(false);
}

function shut(expired) {
  stop();
  if (screen && screen.stop) screen.stop();
  info = { ...info, authenticated: false };
  document.querySelectorAll('dialog').forEach((d) => d.remove());
  showLogin(expired);
}

function showLogin(expired) {
  document.title = `${t('login.title')} – Hall`;
  app.replaceChildren(loginScreen({
    info, expired, language: language(), changeLanguage: (name) => { setLanguage(name); kept.set('hall.language', name); showLogin(expired); },
    enter: async (password) => { info = await login(password); await arrive(); },
  }));
  const field = document.getElementById('password');
  if (field) field.focus();
}

function firstProblem(error) {
  app.replaceChildren(h('div', { class: 'door' }, h('main', { class: 'card' }, h('div', { class: 'inner' },
    h('h1', null, 'Hall'), h('p', { role: 'alert' }, error.message), h('button', { class: 'main', onclick: () => location.reload() }, t('retry'))))));
}

async function main() {
  setTheme(kept.get('hall.theme') || 'auto');
  setLanguage(kept.get('hall.language') || (navigator.language || 'en').slice(0, 2));
  try { info = await session(true); } catch (error) { firstProblem(error); return; }
  setLanguage(kept.get('hall.language') || info.language);
  onLoggedOut(() => { if (info.authenticated) shut(true); });
  listen((kind, data) => {
    if (screen && screen.heard) screen.heard(kind, data);
    if (kind === 'link') say(t(`link.${data}`));
    redraw();
  });
  addEventListener('hashchange', () => { if (info.authenticated) arrive(); });
  addEventListener('keydown', (e) => { if (e.key === 'Escape' && open) { open = false; redraw(); document.getElementById('menu').focus(); } });
  watchPerson();
  setInterval(() => { if (info.authenticated && !document.hidden && !loading && (!screen.quiet || screen.quiet() === false)) redraw(); }, 1000);
  if (info.authenticated) await arrive();
  else showLogin(false);
}

main();
