#!/usr/bin/python3
"""Draws docs/images/journey.svg and journey.fr.svg, the way of one visit, readable on light and dark pages.

Usage: journey.py          writes both
       journey.py --check  ends with 1 if one of them is not what this script draws"""

import sys
from pathlib import Path
from xml.sax.saxutils import escape

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
WIDTH, HEIGHT = 1060, 390

STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de } .machine { fill: #f6f8fa; stroke: #8c959f; stroke-dasharray: 5 4 }
  .part { fill: #ffffff; stroke: #57606a } .hall { fill: #ddf4ff; stroke: #0969da } .asleep { fill: #fff8c5; stroke: #9a6700 }
  text { fill: #1f2328; font: 15px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif }
  .name { font-weight: 600; text-anchor: middle } .what { font-size: 13px; text-anchor: middle } .where { font-size: 13px; font-weight: 600 }
  .step { font-size: 13px; text-anchor: middle } .way { fill: none; stroke: #0969da; stroke-width: 2 } .head { fill: #0969da }
  .back { stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d } .machine { fill: #161b22; stroke: #6e7681 } .part { fill: #0d1117; stroke: #8b949e }
    .hall { fill: #0c2d6b; stroke: #58a6ff } .asleep { fill: #3b2300; stroke: #d29922 } text { fill: #e6edf3 }
    .way { stroke: #58a6ff } .head { fill: #58a6ff }
  }
"""

WORDS = {
    "journey.svg": {
        "title": "The way of one visit: visitor, proxy, Hall, magic packet, server, site",
        "visitor": ("Visitor", "a browser"), "pi": "Raspberry Pi, always on",
        "proxy": ("Reverse proxy", "nginx, Caddy, Traefik…"), "hall": ("Hall", "decides, wakes, waits"),
        "server": "Server, asleep most of the time", "site": ("Site", "your containers"), "machine": ("hall-agent", "reports, agrees to sleep"),
        "steps": ("1  asks for a site", "2  may it pass?", "3  waiting page", "4  magic packet", "5  awake, site answers", "6  visitor passes"),
    },
    "journey.fr.svg": {
        "title": "Le trajet d'une visite : visiteur, proxy, Hall, paquet magique, serveur, site",
        "visitor": ("Visiteur", "un navigateur"), "pi": "Raspberry Pi, toujours allumé",
        "proxy": ("Reverse proxy", "nginx, Caddy, Traefik…"), "hall": ("Hall", "décide, réveille, attend"),
        "server": "Serveur, le plus souvent en veille", "site": ("Site", "vos conteneurs"), "machine": ("hall-agent", "informe, accepte la veille"),
        "steps": ("1  demande un site", "2  peut-il passer ?", "3  page d'attente", "4  paquet magique", "5  réveillé, le site répond", "6  le visiteur passe"),
    },
}

# (x, y, width, height)
VISITOR, PROXY, HALL = (30, 160, 150, 80), (380, 80, 200, 70), (380, 260, 200, 70)
SITE, MACHINE = (805, 80, 190, 70), (805, 260, 190, 70)
PI, SERVER = (345, 30, 270, 330), (775, 30, 250, 330)


def box(where, kind, words):
    x, y, w, h = where
    middle = x + w // 2
    name, what = words
    return (f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}" rx="8"/>'
            f'<text class="name" x="{middle}" y="{y + h // 2 - 4}">{escape(name)}</text>'
            f'<text class="what" x="{middle}" y="{y + h // 2 + 16}">{escape(what)}</text>')


def machine(where, name):
    x, y, w, h = where
    return (f'<rect class="machine" x="{x}" y="{y}" width="{w}" height="{h}" rx="12"/>'
            f'<text class="where" x="{x + w // 2}" y="{y + 24}" style="text-anchor: middle; font-size: 12.5px">{escape(name)}</text>')


def arrow(points, text, x, y, back=False):
    line = " ".join(f"{px},{py}" for px, py in points)
    return (f'<polyline class="way{" back" if back else ""}" points="{line}" marker-end="url(#head)"/>'
            f'<text class="step" x="{x}" y="{y}">{escape(text)}</text>')


def draw(words):
    steps = words["steps"]
    parts = [
        f'<rect class="page" x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="12"/>',
        machine(PI, words["pi"]), machine(SERVER, words["server"]),
        box(VISITOR, "part", words["visitor"]), box(PROXY, "part", words["proxy"]), box(HALL, "hall", words["hall"]),
        box(SITE, "part", words["site"]), box(MACHINE, "asleep", words["machine"]),
        arrow([(105, 160), (105, 115), (372, 115)], steps[0], 225, 105),
        arrow([(450, 150), (450, 252)], steps[1], 515, 206),
        arrow([(380, 295), (105, 295), (105, 248)], steps[2], 225, 315, True),
        arrow([(580, 282), (797, 282)], steps[3], 695, 272),
        arrow([(805, 312), (588, 312)], steps[4], 695, 332, True),
        arrow([(580, 115), (797, 115)], steps[5], 695, 105),
    ]
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">\n'
            f"<title>{escape(words['title'])}</title>\n<style>{STYLE}</style>\n"
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path class="head" d="M0,0 L10,5 L0,10 z"/></marker></defs>\n{body}\n</svg>\n')


def main():
    wrong = []
    for name, words in WORDS.items():
        file, drawn = IMAGES / name, draw(words)
        if "--check" not in sys.argv:
            file.write_text(drawn, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != drawn:
            wrong.append(name)
    for name in wrong:
        print(f"docs/images/{name} is not what tests/tools/pictures/journey.py draws; run it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
