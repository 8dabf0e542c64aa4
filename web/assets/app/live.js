// What is live: servers and projects, kept up to date by the stream, by asking where there is none.
import { api, session } from './api.js';
import { language } from './words.js';

const POLL_MS = 4000, STREAM_AGAIN_MS = 10000, QUIET_MS = 15000;

export const live = {
  servers: new Map(), projects: new Map(), info: null, events: [],
  link: 'connecting', // stream, polling, connecting, lost
  heard: 0,
};
const listeners = new Set();
let source = null, poll = 0, again = 0, running = false;

export function listen(what) { listeners.add(what); return () => listeners.delete(what); }
function tell(kind, data) { for (const what of [...listeners]) what(kind, data); }

function setLink(link) {
  if (link !== 'lost') live.heard = Date.now();
  if (live.link === link) return;
  live.link = link;
  tell('link', link);
}

async function readAll(path, key) {
  const items = [];
  let after = null;
  do {
    const page = await api(`${path}?limit=200${after === null ? '' : `&after=${after}`}`, { background: true });
    items.push(...page[key]);
    after = page.next;
  } while (after !== null && items.length < 20000);
  return new Map(items.map((item) => [item.id, item]));
}

export async function refresh() {
  const [servers, projects, info] = await Promise.all([
    readAll('/servers', 'servers'), readAll('/projects', 'projects'), api('/info', { background: true })]);
  live.servers = servers;
  live.projects = projects;
  live.info = info;
  live.heard = Date.now();
  tell('all');
}

// All of it, now; again later where there is no stream.
export async function ask() {
  clearTimeout(poll);
  if (!running) return;
  try {
    await refresh();
    if (!source) setLink('polling');
  } catch (problem) {
    if (problem.status === 401) return;
    setLink('lost');
  }
  if (!source || live.link === 'lost') poll = setTimeout(ask, document.hidden ? 4 * POLL_MS : POLL_MS);
}

function on(kind, what) {
  source.addEventListener(kind, (e) => {
    live.heard = Date.now();
    try { what(JSON.parse(e.data || 'null')); } catch { /* not for us */ }
  });
}

function follow() {
  clearTimeout(again);
  if (!running) return;
  source = new EventSource(`/api/v1/stream?lang=${language()}`);
  source.onopen = () => { setLink('stream'); ask(); };
  source.onerror = () => {
    if (source && source.readyState === EventSource.CLOSED) {
      source = null;
      again = setTimeout(follow, STREAM_AGAIN_MS);
    } else if (live.link === 'stream') setLink('connecting');
    ask();
  };
  on('server', (server) => { live.servers.set(server.id, server); tell('server', server); });
  on('project', (project) => { live.projects.set(project.id, project); tell('project', project); });
  on('info', (info) => { live.info = info; tell('all'); });
  on('event', (event) => { if (['config_loaded', 'store_problem'].includes(event.type)) ask(); live.events = [event, ...live.events].slice(0, 100); tell('event', event); });
  on('result', (result) => tell('result', result));
  on('resync', () => ask());
}

export async function start() {
  if (running) return;
  live.link = 'connecting';
  await refresh();
  if (running) return;
  running = true;
  follow();
}

export function stop() {
  running = false;
  clearTimeout(poll);
  clearTimeout(again);
  if (source) source.close();
  source = null;
}

// What a person does keeps the session; the page by itself does not.
let told = Date.now();
export function watchPerson() {
  const seen = () => {
    if (!running || Date.now() - told < 4 * 60000) return;
    told = Date.now();
    session(false).catch(() => {});
  };
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, seen, { passive: true });
  addEventListener('visibilitychange', () => { if (!document.hidden && running && Date.now() - live.heard > QUIET_MS) ask(); });
}
