// What the dashboard says, in the reader's language.
import en from './words_en.js';
import fr from './words_fr.js';

const languages = { en, fr };
let words = en, chosen = 'en';
export const language = () => chosen;

export function setLanguage(name) {
  chosen = languages[name] ? name : 'en';
  words = languages[chosen];
  document.documentElement.lang = chosen;
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => (values && values[name] !== undefined ? values[name] : ''));
}

// t('key', {n: 3}): "one|many" is chosen by n; French has one for 0 too.
export function t(key, values) {
  const text = words[key] === undefined ? key : words[key];
  const forms = text.split('|');
  if (forms.length === 2 && values && values.n !== undefined) {
    const one = new Intl.PluralRules(chosen).select(Number(values.n)) === 'one';
    return fill(forms[one ? 0 : 1], values);
  }
  return fill(text, values);
}

export const has = (key) => words[key] !== undefined;
// A word of a closed list (a state, a cause); as it came where it is none of ours.
export const name = (group, key) => (has(`${group}.${key}`) ? t(`${group}.${key}`) : String(key || '').replaceAll('_', ' '));
