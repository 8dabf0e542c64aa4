// Elements as nested calls; and morph(), which brings what is shown up to date and leaves alone what has not changed, so that
// focus, scrolling and half-typed text survive.
const SVG = new Set(['svg', 'path', 'circle', 'rect', 'g', 'defs', 'linearGradient', 'stop']);

function put(el, name, value) {
  if (name.startsWith('on')) el[name] = value;
  else if (name === 'style') for (const [k, v] of Object.entries(value)) el.style.setProperty(k, v);
  else if (name === 'value' && (value === undefined || value === null)) return;
  else if (name === 'value' || name === 'checked') { el[name] = value; el.given = String(value); }
  else if (value === true) el.setAttribute(name, '');
  else if (value !== false && value !== null && value !== undefined) el.setAttribute(name, value);
}

function add(el, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) child.forEach((c) => add(el, c));
  else el.append(child instanceof Node ? child : String(child));
}

export function h(tag, props, ...children) {
  const el = SVG.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  const late = [];
  for (const [name, value] of Object.entries(props || {})) {
    if (name === 'value') late.push([name, value]); // a select needs its options first
    else put(el, name, value);
  }
  add(el, children);
  late.forEach(([name, value]) => put(el, name, value));
  return el;
}

const HANDLERS = ['onclick', 'onchange', 'oninput', 'onsubmit', 'onkeydown', 'ontoggle'];

function morphAttributes(from, to) {
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && name !== 'style' && name !== 'open') from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (name !== 'style' && from.getAttribute(name) !== value) from.setAttribute(name, value);
  if (from.style.cssText !== to.style.cssText) from.style.cssText = to.style.cssText;
  for (const handler of HANDLERS) from[handler] = to[handler];
}

// What was typed stays; what the program set anew counts.
function morphField(from, to, given) {
  from.given = to.given;
  if (to.given === undefined || to.given === given) return;
  if (from.type === 'checkbox' || from.type === 'radio') from.checked = to.checked;
  else from.value = to.value;
}

function same(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName &&
    (a.nodeType !== 1 || (a.dataset.key === b.dataset.key && a.type === b.type));
}

export function morph(from, to) {
  if (from.nodeType === 3) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.dataset.keep && from.dataset.keep === to.dataset.keep) return;
  const { given } = from;
  morphAttributes(from, to);
  morphChildren(from, to);
  if ('value' in to && from.nodeName !== 'LI' && from.nodeName !== 'BUTTON') morphField(from, to, given);
}

export function morphChildren(from, to) {
  const keyed = new Map();
  for (const child of from.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    const key = next.nodeType === 1 ? next.dataset.key : undefined;
    const old = key ? keyed.get(key) : at;
    if (old && same(old, next)) {
      if (old !== at) from.insertBefore(old, at);
      else at = at.nextSibling;
      morph(old, next);
    } else if (key || !at || (at.nodeType === 1 && at.dataset.key)) {
      from.insertBefore(next, at);
    } else {
      const gone = at;
      at = at.nextSibling;
      gone.replaceWith(next);
    }
  }
  while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
}

let said;
export function say(text) {
  said = said || document.getElementById('said');
  said.textContent = '';
  setTimeout(() => { said.textContent = text; }, 60);
}

export function toast(text, bad = false) {
  const el = h('div', { class: bad ? 'toast bad' : 'toast', role: bad ? 'alert' : null }, text);
  const toasts = document.getElementById('toasts');
  toasts.append(el);
  while (toasts.children.length > 3) toasts.firstChild.remove();
  setTimeout(() => el.remove(), bad ? 9000 : 4500);
}

// A dialog; resolves with what was pressed (a value) or null. body: elements; actions: [{text, value, kind}].
export function ask({ title, body, actions, wide }) {
  return new Promise((resolve) => {
    const id = `d${Math.random().toString(36).slice(2)}`;
    const dialog = h('dialog', { 'aria-labelledby': id, class: wide ? 'wide' : null });
    const finish = (value) => { dialog.close(); dialog.remove(); resolve(value); };
    const form = h('form', { onsubmit: (e) => { e.preventDefault(); finish(e.submitter ? e.submitter.value : actions[0].value); } },
      h('h2', { id }, title), body,
      h('div', { class: 'actions' }, actions.map((a) => h('button', {
        class: a.kind || null, value: a.value, type: a.cancel ? 'button' : 'submit', onclick: a.cancel ? () => finish(null) : null,
      }, a.text))));
    dialog.oncancel = (e) => { e.preventDefault(); finish(null); };
    dialog.append(form);
    document.body.append(dialog);
    dialog.showModal();
  });
}
