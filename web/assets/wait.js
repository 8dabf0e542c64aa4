(function () {
'use strict';
var d = document, m = d.getElementById('m'), D = m.dataset, ver = D.version, view = D.view;
var base = +D.elapsed, total = +D.total, at = Date.now(), born = at, fails = 0, gone, timer, ctl;
if (+D.reload) { setTimeout(function () { location.reload(); }, 1e3 * D.reload); return; }
if (view === 'refused' || !window.fetch || !window.AbortController) {
if (!/refused|limited/.test(view)) setTimeout(function () { location.reload(); }, 8000);
return;
}
function $(id) { return d.getElementById(id); }
function put(id, text) {
var e = $(id);
if (e.textContent !== text) e.textContent = text;
}
function hide(id, yes) { $(id).hidden = yes; }
function live() { return view === 'waking' || view === 'booting' || view === 'sleeping' || view === 'degraded'; }
function tick() {
if (!live()) return;
var e = Math.max(0, base + (Date.now() - at) / 1000), s = Math.floor(e % 60);
put('el', Math.floor(e / 60) + ':' + (s < 10 ? '0' : '') + s);
if (total > 0) bar(Math.min(95, 100 * e / total));
}
function bar(p) {
var b = $('b2');
if (p === null) { b.removeAttribute('value'); p = 8; }
else if (Math.abs(b.value - p) >= .5 || !b.hasAttribute('value')) b.value = p.toFixed(1);
$('u').setAttribute('cy', 166 - p);
$('h').setAttribute('cy', 166 - p);
}
function stage(s) {
var li = d.querySelector('[data-s=' + s.name + ']');
if (!li) return;
li.hidden = false;
li.className = s.status;
if (s.status === 'now') li.setAttribute('aria-current', 'step'); else li.removeAttribute('aria-current');
li.lastChild.textContent = s.text;
}
function local() {
var g = navigator.language || '', n = d.documentElement.lang, o = { hour: '2-digit', minute: '2-digit' };
var t = new Date(Math.ceil(Date.parse($('i').dateTime) / 6e4) * 6e4);
if (t.toDateString() !== new Date().toDateString()) { o.weekday = o.month = 'long'; o.day = 'numeric'; }
put('i', t.toLocaleString(g.indexOf(n) ? n : g, o));
}
function guard(s) {
hide('q', !s.until);
if (!s.until) return;
put('qw', s.when);
$('i').dateTime = s.until;
local();
}
function apply(s) {
if (view === 'waking' && (s.view === 'failed' || s.view === 'click') && '' + s.version === D.version && Date.now() - born < 3000) return;
var said = s.view !== view || s.title !== d.title || s.message !== $('x').textContent;
ver = s.version;
view = D.view = s.view;
d.title = s.title;
put('t', s.title);
put('x', s.message);
put('e', s.estimate);
base = s.elapsed_s || 0;
at = Date.now();
total = s.eta_s > 0 ? base + s.eta_s : 0;
if (s.progress === null) bar(null); else if (!(total > 0)) bar(100 * s.progress);
hide('f', !s.button);
if (s.button) put('k', s.button);
hide('p', !live() && view !== 'ready');
hide('l', /click|held|limited/.test(view));
guard(s);
s.stages.forEach(stage);
if (said) put('s', s.title + '\n' + s.message);
tick();
}
function land(to) {
var l = location;
gone = true;
if ($('z') || (l.pathname + l.search === to && l.hash)) l.reload();
else l.replace(to);
setTimeout(function () { gone = false; poll(); }, 10000);
}
function later(ms) {
clearTimeout(timer);
timer = setTimeout(poll, d.hidden ? Math.max(ms, 3000) : ms);
}
function lost() {
fails++;
if (fails > 1) { put('n', D.lost); hide('n', false); }
later(Math.min(15000, 500 * Math.pow(2, fails)) * (.8 + .4 * Math.random()));
}
function poll() {
if (gone) return;
clearTimeout(timer);
if (ctl) ctl.abort();
var c = ctl = new AbortController(), slow = setTimeout(function () { c.abort(); if (ctl === c) lost(); }, 20000);
fetch('/.hall/status?path=' + encodeURIComponent(D.ref) + '&version=' + ver,
{ cache: 'no-store', redirect: 'error', headers: { Accept: 'application/json' }, signal: c.signal })
.then(function (r) {
var json = /json/.test(r.headers.get('Content-Type'));
if (r.status === 404 || (r.ok && !json)) { setTimeout(function () { location.reload(); }, 8000 + 4000 * Math.random()); return null; }
if (!r.ok) throw 0;
return r.json();
}).then(function (s) {
clearTimeout(slow);
if (!s || ctl !== c) return;
fails = 0;
hide('n', true);
apply(s);
if (s.redirect) land(s.redirect); else later(s.next_poll_ms || 2000);
}).catch(function () {
clearTimeout(slow);
if (ctl === c && !c.signal.aborted) lost();
});
}
d.addEventListener('visibilitychange', function () { if (!d.hidden) poll(); });
window.addEventListener('pageshow', function (e) { if (e.persisted) { gone = false; poll(); } });
window.addEventListener('online', poll);
if ($('i').dateTime) local();
setInterval(tick, 1000);
later(view === 'ready' ? 1000 : 0);
})();
