"""What the dashboard's tests share: a browser that is logged in, and checks of what every screen must keep."""

import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PATIENCE = 60
SCREENS = ("", "servers/testing", "projects", "policies", "events", "access", "statistics", "config")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1366,900",
         "--disable-features=BackForwardCache")  # a page that is left leaves its stream

# Every text that is seen against what is really behind it; 4.5, or 3 where it is large.
CONTRAST = """
const parse = (c) => {
  let m = /^rgba?\\(([^)]+)\\)/.exec(c);
  if (m) { const p = m[1].split(/[ ,/]+/).map(Number); return [p[0], p[1], p[2], p.length > 3 ? p[3] : 1]; }
  m = /^color\\(srgb ([^)]+)\\)/.exec(c);
  if (m) { const p = m[1].split(/[ /]+/).map(Number); return [255 * p[0], 255 * p[1], 255 * p[2], p.length > 3 ? p[3] : 1]; }
  return [0, 0, 0, 0];
};
const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (e) => { const all = []; for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); all.push(c); if (c[3] === 1) break; } return all.reverse().reduce((under, c) => over(c, under), [255, 255, 255, 1]); };
const bad = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let n; (n = walk.nextNode());) {
  const e = n.parentElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
  if (!n.data.trim() || box.width < 2 || box.height < 2 || s.visibility === 'hidden' || e.closest('.vh, [hidden], :disabled, script, noscript, option')) continue;
  const ground = behind(e), ink = over(parse(s.color), ground);
  const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.6 && Number(s.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) bad.push(`${ratio.toFixed(2)} ${n.data.trim().slice(0, 40)}`);
}
return bad;
"""

# Every control has a name, every picture a text or none at all, ids are unique, and there is one heading of the first rank.
LABELS = """
const bad = [], named = (e) => e.getAttribute('aria-label') || e.getAttribute('title') || (e.labels && e.labels.length && e.labels[0].textContent.trim()) || e.textContent.trim();
for (const e of document.querySelectorAll('button, a[href], input:not([type=hidden]):not([hidden]), select, textarea')) if (!named(e)) bad.push('no name: ' + e.outerHTML.slice(0, 120));
for (const e of document.querySelectorAll('img')) if (!e.hasAttribute('alt')) bad.push('no alt: ' + e.outerHTML.slice(0, 120));
for (const e of document.querySelectorAll('canvas, [role=img]')) if (!e.getAttribute('aria-label')) bad.push('no label: ' + e.outerHTML.slice(0, 120));
for (const e of document.querySelectorAll('svg')) if (e.getAttribute('aria-hidden') !== 'true') bad.push('svg');
const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
for (const id of new Set(ids)) if (ids.filter((x) => x === id).length > 1) bad.push('twice: ' + id);
if (document.querySelectorAll('h1').length !== 1) bad.push('h1: ' + document.querySelectorAll('h1').length);
if (!document.querySelector('main')) bad.push('no main');
for (const e of document.querySelectorAll('th')) if (!e.getAttribute('scope')) bad.push('th without scope');
return bad;
"""

# Texts that were never translated show as their key.
KEYS = r"return [...document.querySelectorAll('body *')].flatMap((e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).concat([e.getAttribute('aria-label') || ''])).filter((s) => /^[a-z_]+(\.[a-z_0-9]+)+$/.test(s) && !/localhost|example|\.(org|json|html|lan)/.test(s))"


class Dashboard:
    """One browser at one dashboard."""

    def __init__(self, base, folder, shots):
        options = Options()
        for flag in (*FLAGS, f"--user-data-dir={folder}", "--lang=en"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": "en,en-US", "download.default_directory": str(folder)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.base, self.shots = base, shots
        shots.mkdir(parents=True, exist_ok=True)

    def close(self):
        self.driver.quit()

    # ---- Looking

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css, patience=PATIENCE):
        return self.until(lambda: (self.all(css) or [None])[0], css, patience)

    def text(self, css):
        return self.driver.execute_script("const e = document.querySelector(arguments[0]); return e ? e.textContent : ''", css)

    def run(self, script, *words):
        return self.driver.execute_script(script, *words)

    def until(self, what, words, patience=PATIENCE):
        end = time.monotonic() + patience
        while True:
            found = what()
            if found:
                return found
            assert time.monotonic() < end, f"not within {patience} s: {words}\n{self.text('main')[:1500]}\n{self.driver.get_log('browser')}"
            time.sleep(0.05)

    def until_text(self, css, wanted, patience=PATIENCE):
        self.until(lambda: wanted in self.text(css), f"{wanted!r} in {css}", patience)

    # ---- Doing. A click is the page's own, so that a redraw in between does no harm.

    def click(self, css):
        self.one(css)
        self.run("document.querySelector(arguments[0]).click()", css)

    def type(self, css, text, event="change"):
        self.one(css)
        self.run("""const e = document.querySelector(arguments[0]); e.focus(); e.value = arguments[1];
                    e.dispatchEvent(new Event('input', {bubbles: true})); if (arguments[2] === 'change') e.dispatchEvent(new Event('change', {bubbles: true}))""",
                 css, text, event)

    def go(self, screen):
        self.run("location.hash = arguments[0]", f"#/{screen}")
        self.until(lambda: self.run("return location.hash === arguments[0] && !document.querySelector('[aria-busy]') && document.querySelector('main h1') !== null", f"#/{screen}"), screen)

    def size(self, width, height=900):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def dark(self, yes):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if yes else "light"}]})

    def shot(self, name):
        width = self.run("return innerWidth")
        self.size(width, max(800, min(3200, self.run("return document.documentElement.scrollHeight"))))
        self.driver.save_screenshot(str(self.shots / f"dashboard-{name}.png"))
        self.size(width)

    def errors(self):
        """What the console complains of, but for answers that are errors on purpose."""
        return [m["message"] for m in self.driver.get_log("browser") if m["level"] == "SEVERE" and "Failed to load resource" not in m["message"]]

    def open(self):
        """Chromium drops what it loads when an interface comes or goes, as another test's namespaces do: then once more."""
        for _ in range(5):
            self.driver.get(self.base)
            end = time.monotonic() + 15
            while time.monotonic() < end:
                if self.all(".door h1, .frame"):
                    return
                time.sleep(0.05)
        raise AssertionError(f"the page does not come: {self.driver.get_log('browser')}")

    def login(self, password):
        self.open()
        self.type("#password", password)
        self.click("#login")
        self.one(".frame")

    def check(self, name):
        """What every screen must keep."""
        over = self.run("return document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{name}: {over} pixels too wide"
        for what, script in (("contrast", CONTRAST), ("labels", LABELS), ("untranslated", KEYS)):
            found = self.run(script)
            assert not found, f"{name}: {what}: {found[:8]}"
        assert not self.errors(), name
