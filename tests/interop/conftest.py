"""Worlds as the integration tests have them, for clients and brokers that others made."""

import importlib.util
import sys
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "interop"), str(TESTS / "integration"), str(TESTS / "demo")]

_spec = importlib.util.spec_from_file_location("integration_conftest", TESTS / "integration" / "conftest.py")
_shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_shared)

binary = _shared.binary
make_world = _shared.make_world
world = _shared.world
bus = _shared.bus
pytest_runtest_makereport = _shared.pytest_runtest_makereport
