"""README.md and README.fr.md say the same: headings, commands, samples, links, pictures and rows of tables, in the same order."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, FRENCH = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.fr.md"))


def both(pattern, of=lambda found: found):
    return [[of(found) for found in re.findall(pattern, text, re.M)] for text in (ENGLISH, FRENCH)]


def same(pattern, of=lambda found: found, least=1):
    english, french = both(pattern, of)
    assert english == french
    assert len(english) >= least


def blocks(kind):
    return [[block for block in re.findall(rf"^```{kind}\n(.*?)^```", text, re.S | re.M)] for text in (ENGLISH, FRENCH)]


def test_headings_are_of_the_same_ranks():
    same(r"^(#+) ", least=6)


def test_commands_are_the_same_without_their_comments():
    english, french = ([[re.sub(r"\s+#.*", "", line) for line in block.splitlines()] for block in side] for side in blocks("sh"))
    assert english == french and len(english) >= 5


def test_samples_are_the_same():
    english, french = blocks("json")
    assert english == french and english


def test_links_lead_to_the_same_places():
    language = {"README.fr.md": "the other", "README.md": "the other"}
    same(r"\]\(([^)]+)\)", lambda to: language.get(to, to.replace(".fr.", ".")), least=20)


def test_tables_have_the_same_rows():
    same(r"^\|", least=30)
    english, french = both(r"^(\|.*\|)$", lambda row: row.count("|"))
    assert english == french


def test_what_is_typed_in_a_sentence_is_the_same():
    english, french = (sorted(set(side)) for side in both(r"`([^`\n]+)`"))
    assert english == french


def paragraphs():
    return [[p for p in re.sub(r"^```.*?^```", "", text, flags=re.S | re.M).split("\n\n") if p.strip() and p.strip()[0] not in "|#"
             and "documentation sont en anglais" not in p] for text in (ENGLISH, FRENCH)]


def test_each_paragraph_has_its_own():
    english, french = paragraphs()
    assert len(english) == len(french)


def test_each_paragraph_and_row_has_the_same_numbers():
    rows = both(r"^\|.*\|$")
    english, french = ([sorted(re.findall(r"\d+", text)) for text in (*prose, *table)] for prose, table in zip(paragraphs(), rows, strict=True))
    assert english == french
