// The door to Hall. Errors are thrown as Problem, with what the answer said; a lost session is told to whoever listens.
import { language, t } from './words.js';

export class Problem extends Error {
  constructor(status, detail, data) {
    super(detail);
    this.status = status;
    this.data = data || {};
  }
}

const state = { csrf: null, onLoggedOut: () => {} };
export function onLoggedOut(what) { state.onLoggedOut = what; }

async function read(response) {
  const type = response.headers.get('Content-Type') || '';
  if (type.includes('json')) return response.json().catch(() => null);
  return response.text();
}

function explain(response, data) {
  if (response.status === 401) return t('error.session');
  if (data && data.detail) return data.detail;
  return t('error.status', { status: response.status });
}

// One request. options: method, body (sent as JSON; a string as it is), headers, background, raw (the text, not its value).
export async function call(path, options = {}) {
  const headers = { Accept: 'application/json', 'Accept-Language': language(), ...(options.headers || {}) };
  const method = options.method || (options.body !== undefined ? 'POST' : 'GET');
  if (method !== 'GET' && state.csrf) headers['X-CSRF-Token'] = state.csrf;
  if (options.background) headers['X-Hall-Background'] = '1';
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  const body = typeof options.body === 'string' || options.body === undefined ? options.body : JSON.stringify(options.body);
  let response;
  try {
    response = await fetch(path, { method, headers, body, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(20000) });
  } catch {
    throw new Problem(0, t('error.lost'));
  }
  if (options.raw && response.ok) return { text: await response.text(), etag: response.headers.get('ETag') };
  const data = await read(response);
  if (response.ok) return data;
  if (response.status === 401 && path !== '/login') { state.csrf = null; state.onLoggedOut(); }
  throw new Problem(response.status, path === '/login' && data ? data.detail : explain(response, data), data);
}

export const api = (path, options) => call(`/api/v1${path}`, options);

export async function session(background) {
  const info = await api('/session', { background });
  state.csrf = info.csrf;
  return info;
}

export async function login(password) {
  const info = await call('/login', { body: { password } });
  state.csrf = info.csrf;
  return info;
}

export async function logout() {
  await call('/logout', { method: 'POST' });
  state.csrf = null;
}

export const path = (...parts) => parts.map((p) => `/${encodeURIComponent(p)}`).join('');

export function query(fields) {
  const words = Object.entries(fields).filter(([, v]) => v !== '' && v !== null && v !== undefined);
  return words.length ? `?${new URLSearchParams(words)}` : '';
}
