#!/usr/bin/python3
"""Takes docs/images/*.png: the waiting page and the dashboard, in English (light) and French (dark), from the demo's world with
two weeks of generated past, in headless Chromium. Nothing is drawn or changed afterwards.

Usage: screenshots.py [BUILD]      BUILD has bin/hall; build by default"""

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "demo"), str(ROOT / "tests" / "browser"), str(ROOT / "tests" / "integration")]

import demo  # noqa: E402
from dashboard import Dashboard  # noqa: E402
from helpers import wait_state  # noqa: E402
from world import World  # noqa: E402

IMAGES = ROOT / "docs" / "images"
PASSWORD = "for-the-pictures"
CLONE_NEWNET = 0x40000000  # unshare(2)
LARGEST = 150_000
SCHEMES = (("en", "light", ""), ("fr", "dark", ".fr"))


def look(browser, language, scheme):
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setUserAgentOverride", {
        "userAgent": browser.run("return navigator.userAgent"), "acceptLanguage": language})


def save(browser, name):
    file = IMAGES / f"{name}.png"
    assert browser.driver.save_screenshot(str(file))
    assert file.stat().st_size < LARGEST, f"{file} has {file.stat().st_size} bytes"
    print(file.relative_to(ROOT), file.stat().st_size)


def waiting_page(browser, world, language, scheme, ending):
    """Half-way: the server answers, its containers do not yet."""
    look(browser, language, scheme)
    browser.size(760, 800)
    browser.driver.get(f"http://testing.localhost:{world.hall.gateway[1]}/client1/")
    browser.until(lambda: len(browser.all("#l .done")) >= 3, "three stages")
    save(browser, f"waiting{ending}")


def overview(browser, language, scheme, ending):
    look(browser, language, scheme)
    browser.size(1200, 760)
    browser.driver.get(browser.base)
    browser.one("#password, .frame")
    if browser.all("#password"):
        browser.type("#password", PASSWORD)
        browser.click("#login")
    browser.one(".frame")
    browser.go("")
    save(browser, f"dashboard{ending}")


def main():
    build = (ROOT / (sys.argv[1] if len(sys.argv) > 1 else "build")).resolve()
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hall-pictures-") as folder:
        work = Path(folder)
        world = World(build / "bin" / "hall", work / "world", boot_s=4.0, idle="2m", min_up="0s")
        try:
            world.hall.secrets["ADMIN_PASSWORD"] = PASSWORD
            world.broker.start()
            demo.give_past(world, 14)
            world.start()
            browser = Dashboard(f"http://127.0.0.1:{world.hall.admin[1]}/", work / "browser", work)
            try:
                for scheme in SCHEMES:
                    waiting_page(browser, world, *scheme)
                wait_state(world.bus(), "testing", "ready")
                for scheme in SCHEMES:
                    overview(browser, *scheme)
            finally:
                browser.close()
        finally:
            world.close()


if __name__ == "__main__":
    main()
