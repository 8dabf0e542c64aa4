// The door: a password, or what to do where none is set.
import { h } from './dom.js';
import { scene } from './icons.js';
import { t } from './words.js';

function help() {
  return [h('p', null, t('setup.why')),
    h('ol', null,
      h('li', null, t('setup.hash'), h('pre', null, 'hallctl hash-password')),
      h('li', null, t('setup.put'), h('pre', null, "HALL_ADMIN_PASSWORD_HASH='$argon2id$v=19$…'")),
      h('li', null, t('setup.restart'), h('pre', null, 'systemctl restart hall'))),
    h('p', { class: 'soft small' }, t('setup.plain')),
    h('button', { class: 'main', onclick: () => location.reload() }, t('retry'))];
}

function form(options) {
  const error = h('p', { class: 'note bad', role: 'alert', id: 'login-error', hidden: true });
  const field = h('input', { id: 'password', type: 'password', name: 'password', autocomplete: 'current-password', required: true, 'aria-describedby': 'login-error' });
  const button = h('button', { class: 'main', id: 'login' }, t('login.enter'));
  return h('form', {
    class: 'stack',
    onsubmit: async (e) => {
      e.preventDefault();
      button.disabled = true;
      error.hidden = true;
      try { await options.enter(field.value); } catch (problem) {
        error.textContent = problem.status === 401 ? t('login.wrong') : problem.status === 429 ? t('login.many') : problem.message;
        error.hidden = false;
        field.setAttribute('aria-invalid', 'true');
        field.select();
      }
      button.disabled = false;
    },
  }, h('input', { type: 'text', name: 'username', autocomplete: 'username', value: 'admin', hidden: true }),
  h('label', { class: 'field', for: 'password' }, t('login.password'), field), error, button);
}

export function loginScreen(options) {
  return h('div', { class: 'door' }, h('main', { class: 'card' }, scene(0.55),
    h('div', { class: 'inner' },
      h('h1', { tabindex: '-1' }, options.info.configured ? t('login.title') : t('setup.title')),
      options.expired ? h('p', { class: 'note', role: 'status' }, t('login.expired')) : null,
      options.info.configured ? form(options) : help(),
      h('label', { class: 'field small' }, t('pref.language'), h('select', { value: options.language, onchange: (e) => options.changeLanguage(e.target.value) },
        h('option', { value: 'en' }, 'English'), h('option', { value: 'fr' }, 'Français'))))));
}
