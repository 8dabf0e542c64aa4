"""Packages made of this tree, and machines they are installed on."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration"), str(HERE.parent / "demo")]

import roots  # noqa: E402
from debroot import release  # noqa: E402

ROOT = HERE.parents[1]


def pytest_configure(config):
    config.addinivalue_line("markers", "history: needs the repository's history; test.sh leaves it out of a copy that has none")


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """The folder of an apt repository with Hall's packages for a release, made once."""
    made = {}

    def make(suite):
        if suite not in made:
            folder = tmp_path_factory.mktemp(f"packages-{suite}")
            made[suite] = folder / "repository"
            if suite == release():
                subprocess.run([ROOT / "package.sh", "--repo", made[suite]], check=True)
            else:
                _elsewhere(suite, folder)
        return made[suite]

    def _elsewhere(suite, folder):
        """In a root of that release, over which this tree's overlay lies. What servers are handed is for every release."""
        version = subprocess.run([ROOT / "cmake/version.sh"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
        own = make(release())
        with roots.overlay(roots.root("builder", suite), folder) as root:
            roots.copy_of_the_tree(root / "src")
            (root / "src/repository").mkdir()
            for package in own.glob("hall-enroll_*.deb"):
                shutil.copy(package, root / "src/repository")
            roots.inside(root, "env", f"HALL_VERSION={version}", "/src/package.sh", "--agents", "none", "--repo", "/src/repository")
            shutil.copytree(root / "src/repository", made[suite])

    return make
