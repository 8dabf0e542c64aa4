"""tests/tools/mutate on a project of two functions: what its test notices is killed, what it does not is named."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parent.parent / "tools" / "mutate"

SOURCE = """\
#include "limit.h"
#include <stdbool.h>

bool limit_is_reached(int count)
{
    return count >= 3;
}

int limit_rest(int count)
{
    return count > 3 ? 0 : 3 - count;
}
"""
TEST = """\
#include "../web/limit.h"

int main(void)
{
    return limit_is_reached(3) && !limit_is_reached(2) && limit_rest(1) == 2 && limit_rest(9) == 0 ? 0 : 1;
}
"""
CMAKE = """\
cmake_minimum_required(VERSION 3.25)
project(tiny LANGUAGES C)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
add_library(limit STATIC web/limit.c)
add_executable(test_limit tests/test_limit.c)
set_target_properties(test_limit PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_link_libraries(test_limit PRIVATE limit)
"""


@pytest.fixture
def project(tmp_path):
    """The project, built; a function that runs the tool in it."""
    for name, text in {"web/limit.c": SOURCE, "web/limit.h": "#include <stdbool.h>\nbool limit_is_reached(int);\nint limit_rest(int);\n",
                       "tests/test_limit.c": TEST, "CMakeLists.txt": CMAKE, "modules.txt": "limit | web/*.c | test_.*\n",
                       "equivalent.txt": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build-dev"], check=True, capture_output=True)

    def run(*words):
        return subprocess.run([sys.executable, "-B", TOOL, "--root", tmp_path, "--table", tmp_path / "modules.txt", "--limit", "60", "--equivalent",
                               tmp_path / "equivalent.txt", *words], capture_output=True, text=True)

    return tmp_path, run


def test_names_what_no_test_notices(project):
    _, run = project
    said = run("--all")
    assert said.returncode == 0, said.stderr
    # No test asks for the rest at 4, and at 3 both ways give 0.
    survivors = [line for line in said.stdout.splitlines() if line.startswith("  + ")]
    assert sorted(survivors) == ["  + return count > 2 ? 0 : 3 - count;", "  + return count > 4 ? 0 : 3 - count;"]
    assert "web/limit.c:11: limit_rest: survived (number)\n  - return count > 3 ? 0 : 3 - count;\n" in said.stdout
    assert "web/limit.c:6" not in said.stdout
    assert run("--all").stdout == said.stdout


def test_a_listed_equivalent_is_not_counted(project):
    folder, run = project
    (folder / "equivalent.txt").write_text("limit.c limit_rest\n- return count > 3 ? 0 : 3 - count;\n+ return count > 2 ? 0 : 3 - count;\n= 0\n")
    said = run("--all").stdout
    assert "1 survived" in said and "+ return count > 2" not in said


def test_a_program_with_a_function_of_its_own(project):
    """It has another limit_is_reached than the library, and is no test of that one."""
    folder, run = project
    before = run("--all").stdout
    (folder / "tests" / "test_own.c").write_text(
        "#include \"../web/limit.h\"\nbool limit_is_reached(int count) { return count; }\nint limit_rest(int count) { return count; }\n"
        "int main(void) { return !limit_is_reached(limit_rest(1)); }\n")
    (folder / "CMakeLists.txt").write_text(CMAKE + CMAKE.split("\n", 4)[4].replace("test_limit", "test_own"))
    said = run("--all")
    assert said.returncode == 0, said.stderr
    assert said.stdout == before


def test_a_low_share_fails(project):
    folder, run = project
    (folder / "tests" / "test_limit.c").write_text("#include \"../web/limit.h\"\nint main(void) { return limit_rest(0) != 3; }\n")
    assert run("--all", "--min", "90").returncode == 1
    assert run("nothing").returncode == 1


def test_what_happens_without_memory_is_left(project):
    folder, run = project
    source = folder / "web" / "limit.c"
    source.write_text("#include <errno.h>\n" + SOURCE + "int limit_make(int a, int b)\n{\n    if (a < 0 || b < 0)\n        return -ENOMEM;\n"
                      "    return a + b;\n}\n")
    said = run("--all").stdout
    assert "+ if (a < 1 || b < 0)" in said and "&&" not in said
