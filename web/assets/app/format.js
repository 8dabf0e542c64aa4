// Times, durations, numbers, in the reader's language and time zone.
import { h } from './dom.js';
import { language, t } from './words.js';

const made = new Map();
function maker(kind, options) {
  const key = kind + language() + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl[kind](language() === 'en' ? 'en-GB' : language(), options));
  return made.get(key);
}

export const number = (value, digits = 0) =>
  (value === null || value === undefined ? '–' : maker('NumberFormat', { maximumFractionDigits: digits, minimumFractionDigits: 0 }).format(value));
export const percent = (value, digits = 0) =>
  (value === null || value === undefined ? '–' : maker('NumberFormat', { style: 'percent', maximumFractionDigits: digits }).format(value));
export const money = (value, currency) => {
  if (value === null || value === undefined) return '–';
  try { return maker('NumberFormat', { style: 'currency', currency }).format(value); } catch { return `${number(value, 2)} ${currency}`; }
};

const sameDay = (a, b) => a.toDateString() === b.toDateString();

export function clock(at) { return maker('DateTimeFormat', { hour: '2-digit', minute: '2-digit' }).format(at); }
export function day(at) { return maker('DateTimeFormat', { weekday: 'short', day: 'numeric', month: 'short' }).format(at); }
export function date(text) { return maker('DateTimeFormat', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(text)); } // "2026-11-24"
export function short(text) { // "14:32" of today, else "24 Nov"
  const at = new Date(text);
  return sameDay(at, new Date()) ? clock(at) : maker('DateTimeFormat', { day: 'numeric', month: 'short' }).format(at);
}
export function full(at) { return maker('DateTimeFormat', { dateStyle: 'medium', timeStyle: 'medium' }).format(at); }
export function weekday(index, style = 'short') { // 0: Monday
  return maker('DateTimeFormat', { weekday: style }).format(new Date(2024, 0, 1 + index));
}

// "14:32", with the day where it is not today.
export function when(text) {
  if (!text) return '–';
  const at = new Date(text);
  return sameDay(at, new Date()) ? clock(at) : `${day(at)} ${clock(at)}`;
}

export function stamp(text, show = when) {
  if (!text) return '–';
  return h('time', { datetime: text, title: full(new Date(text)) }, show(text));
}

// "4 min ago", "in 3 h"
export function ago(text) {
  const seconds = (Date.parse(text) - Date.now()) / 1000;
  const size = Math.abs(seconds);
  const f = maker('RelativeTimeFormat', { numeric: 'auto', style: 'short' });
  if (size < 50) return f.format(Math.round(seconds), 'second');
  if (size < 3000) return f.format(Math.round(seconds / 60), 'minute');
  if (size < 80000) return f.format(Math.round(seconds / 3600), 'hour');
  return f.format(Math.round(seconds / 86400), 'day');
}

// "18.1 s", "4 min 20 s", "3 h 05 min", "2 d 4 h"
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 60) return `${number(seconds, seconds < 20 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const m = Math.floor(whole / 60);
  if (m < 60) return whole % 60 ? `${m} min ${whole % 60} s` : `${m} min`;
  const hours = Math.floor(m / 60);
  if (hours < 24) return m % 60 ? `${hours} h ${String(m % 60).padStart(2, '0')}` : `${hours} h`;
  return `${Math.floor(hours / 24)} ${t('unit.day')} ${hours % 24} h`;
}
