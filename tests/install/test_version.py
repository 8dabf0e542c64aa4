"""The version of the sources: a tag, what follows it, and what there is without one."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = re.search(r"^project\(hall VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"), re.M).group(1)
NAMED = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
         "GIT_COMMITTER_DATE": "2026-11-30T21:54:00Z"}


@pytest.fixture
def tree(tmp_path):
    """Sources without a repository of git."""
    (tmp_path / "cmake").mkdir()
    shutil.copy(ROOT / "CMakeLists.txt", tmp_path)
    shutil.copy(ROOT / "cmake/version.sh", tmp_path / "cmake")
    return tmp_path


def version(tree):
    return subprocess.run([tree / "cmake/version.sh"], capture_output=True, text=True, check=True, cwd="/").stdout.strip()


def git(tree, *words):
    subprocess.run(["git", "-C", tree, *words], check=True, capture_output=True, env={**os.environ, **NAMED})


def test_without_git(tree):
    assert version(tree) == PROJECT


def test_tags(tree):
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "first")
    assert version(tree) == f"{PROJECT}~20261130.2154"  # before the first one
    git(tree, "tag", "other")
    assert version(tree) == f"{PROJECT}~20261130.2154"
    git(tree, "tag", "-a", "-m", "1", "v1.2.3")
    assert version(tree) == "1.2.3"
    git(tree, "commit", "-q", "--allow-empty", "-m", "second")
    after = version(tree)
    assert re.fullmatch(r"1\.2\.3\+1\.[0-9a-f]{7,}", after)
    git(tree, "tag", "v1.3.0-rc1")
    candidate = version(tree)
    assert candidate == "1.3.0~rc1"
    # As dpkg orders them.
    for older, newer in [(f"{PROJECT}~20261130.2154", PROJECT), ("1.2.3", after), (after, candidate), (candidate, "1.3.0")]:
        subprocess.run(["dpkg", "--compare-versions", older, "lt", newer], check=True)
