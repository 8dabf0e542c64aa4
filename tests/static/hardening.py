#!/usr/bin/python3
"""hardening.py FOLDER: are the executables of a release build there as hard as they should be? Names what is missing.

Reads them with readelf. What leaves no other trace is read from what gcc notes of its options in the debug information;
a program of another compiler is judged by its code and headers alone."""
import re
import subprocess
import sys
from pathlib import Path

PROGRAMS = ("hall", "hall-agent", "hall-handout", "hall-wol", "hallctl", "hall-simulate")
# The first instruction of a function that may be reached by a pointer.
LANDING = {"X86-64": ("f30f1efa",), "AArch64": ("5f2403d5", "3f2303d5")}
BRANCHES = {"X86-64": "-fcf-protection=full", "AArch64": "-mbranch-protection=standard"}


def readelf(file, *options):
    return subprocess.run(["readelf", "-W", *options, file], capture_output=True, text=True, check=True,
                          env={"LC_ALL": "C"}).stdout


def machine(file):
    name = re.search(r"Machine:\s+(.*)", readelf(file, "-h")).group(1)
    return next((known for known in LANDING if known in name), None)


def is_pie(file):
    return "DYN" in re.search(r"Type:\s+(.*)", readelf(file, "-h")).group(1) and "Flags:" in readelf(file, "-d") and \
        re.search(r"FLAGS_1\).*\bPIE\b", readelf(file, "-d"))


def is_bound_now(file):
    return re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b|\(BIND_NOW\)", readelf(file, "-d"))


def segments(file, kind):
    """Offset and rights of each segment of that kind."""
    return re.findall(rf"^\s+{kind}\s+(0x\w+) 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([R ][W ][E ])", readelf(file, "-l"), re.M)


def has_no_executable_stack(file):
    return [rights for _, rights in segments(file, "GNU_STACK")] == ["RW "]


def has_separate_code(file):
    """The headers and constants, which begin the file, cannot be run; nothing that is run can be written."""
    loads = segments(file, "LOAD")
    return any(int(at, 16) == 0 and "E" not in rights for at, rights in loads) and \
        not any("W" in rights and "E" in rights for _, rights in loads)


def imports(file):
    return {line.split()[7].split("@")[0] for line in readelf(file, "--dyn-syms").splitlines() if " UND " in line and len(line.split()) > 7}


def is_fortified(file):
    return any(re.fullmatch(r"__\w+_chk", name) for name in imports(file))


def producers(file):
    """The options that gcc was given, of each part."""
    return re.findall(r"GNU C\S* [^\n]*", readelf(file, "-p", ".debug_str", "-p", ".debug_line_str"))


def is_compiled_with(option):
    def check(file):
        return all(option in words for words in producers(file))
    return check


def guards_branches(file):
    kind = machine(file)
    if kind is None:
        return True
    if not is_compiled_with(BRANCHES[kind])(file):
        return False
    entry = re.search(r"\s(\w+)\s+\d+ FUNC\s+GLOBAL\s+\w+\s+(\d+) main$", readelf(file, "-s"), re.M)
    section = re.search(rf"\[\s*{entry.group(2)}\]\s+\S+\s+\S+\s+(\w+) (\w+)", readelf(file, "-S"))
    at = int(entry.group(1), 16) - int(section.group(1), 16) + int(section.group(2), 16)
    return Path(file).read_bytes()[at:at + 4].hex() in LANDING[kind]


# All that the listener needs of civetweb. Forms, files, scripts, digests and websockets, where others were hurt, are not among it.
CIVETWEB = {"mg_disable_connection_keep_alive", "mg_exit_library", "mg_get_header", "mg_get_request_info", "mg_get_server_ports",
            "mg_get_thread_pointer", "mg_get_user_context_data", "mg_get_user_data", "mg_init_library", "mg_read", "mg_start", "mg_stop",
            "mg_write"}


def calls_little_of_civetweb(file):
    return {name for name in imports(file) if name.startswith("mg_")} <= CIVETWEB


PROPERTIES = {
    "a position-independent executable (-pie)": is_pie,
    "read-only relocations (-z relro)": lambda file: segments(file, "GNU_RELRO"),
    "all symbols bound at the start (-z now)": is_bound_now,
    "a stack that cannot be run (-z noexecstack)": has_no_executable_stack,
    "code apart from constants (-z separate-code)": has_separate_code,
    "checked buffer sizes (-D_FORTIFY_SOURCE)": is_fortified,
    "stack guards (-fstack-protector-strong)": lambda file: "__stack_chk_fail" in imports(file),
    "probed stacks (-fstack-clash-protection)": is_compiled_with("-fstack-clash-protection"),
    "guarded branches (-fcf-protection, -mbranch-protection)": guards_branches,
    "a narrow door to civetweb (CIVETWEB in tests/static/hardening.py)": calls_little_of_civetweb,
}


def main():
    files = [Path(sys.argv[1]) / name for name in PROGRAMS]
    missing = [f"{file}: lacks {what}" for file in files for what, has in PROPERTIES.items() if not has(file)]
    print("\n".join(missing) or f"{len(files)} programs have all of {len(PROPERTIES)} properties")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
