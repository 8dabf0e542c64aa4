"""One-line mutants of a C file. Reads tokens, not a syntax tree: a mutant that does not compile is dropped later."""

import re
from typing import NamedTuple

TOKEN = re.compile(
    r"""(?P<skip>/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*|\s+)
      |(?P<string>"(?:\\.|[^"\\])*")
      |(?P<char>'(?:\\.|[^'\\])+')
      |(?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+\.\d+|\d+[uUlL]*)
      |(?P<name>[A-Za-z_]\w*)
      |(?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
    re.S | re.M | re.X)
COMPARISONS = {"==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"]}
KEYWORDS = {"if", "else", "while", "for", "switch", "return", "do", "case", "default", "goto", "sizeof", "break", "continue"}
# What only a sanitizer or a reader of the log can see is not taken away; assertions and the sizes of what is allocated are left.
NOT_DELETED = re.compile(r"free$|_destroy$|_finish$|_unref$|^close$|^log_|^va_|^pthread_|_wipe$|^sodium_memzero$")
LEFT_ALONE = {"assert", "static_assert", "_Static_assert", "calloc", "malloc", "realloc", "reallocarray", "BUF_INIT"}
SIZES = ("_SIZE", "_LIMIT")
LOG = re.compile(r"log_\w+$")
SIGN_AFTER = {"=", "(", ",", "?", ":", "return", "{"}
# What stands at the start of a line: a function, a table, an enum.
PLACE = re.compile(r"^(?=[A-Za-z_])[^\n]*?\b(\w+)(?=\(|(?:\[[^\n]*)? =| \{)", re.M)


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Mutant(NamedTuple):
    path: str  # from the project's folder
    start: int  # characters [start, end) are replaced
    end: int
    text: str
    operator: str

    def apply(self, source):
        return source[:self.start] + self.text + source[self.end:]

    def line(self, source):
        return source.count("\n", 0, self.start) + 1

    def place(self, source):
        """The name of the function or table it is in."""
        return ([m.group(1) for m in PLACE.finditer(source, 0, self.end)] or [""])[-1]

    def lines(self, source):
        """The lines as they were and as they are, stripped and joined."""
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        last = len(source) if last < 0 else last
        after = source[first:self.start] + self.text + source[self.end:last]
        return " ".join(source[first:last].split()), " ".join(after.split())


def tokens_of(source):
    return [Token(m.lastgroup, m.group(), m.start(), m.end()) for m in TOKEN.finditer(source) if m.lastgroup != "skip"]


def enumerations(sources):
    """Enumerator: its neighbours in the same enum, from the next one on."""
    next_of = {}
    for source in sources:
        tokens = tokens_of(source)
        for i, token in enumerate(tokens):
            if token.text != "enum":
                continue
            j = i + 1 if tokens[i + 1].text == "{" else i + 2
            if j >= len(tokens) or tokens[j].text != "{":
                continue
            if j == i + 1 and any(t.text == "=" for t in tokens[j:closing(tokens, j)]):
                continue  # numbers with a name, not a list
            names = [t.text for before, t in zip(tokens[j:], tokens[j + 1:closing(tokens, j)])
                     if t.kind == "name" and before.text in "{,"]
            for at, name in enumerate(names):
                if len(names) > 1:
                    next_of[name] = names[(at + 1) % len(names)]
    return next_of


def closing(tokens, opening):
    """The index of the bracket that closes the one at opening."""
    pair = {"(": ")", "{": "}", "[": "]"}[tokens[opening].text]
    depth = 0
    for i in range(opening, len(tokens)):
        if tokens[i].text == tokens[opening].text:
            depth += 1
        elif tokens[i].text == pair:
            depth -= 1
            if depth == 0:
                return i
    return len(tokens) - 1


def mutants_of(path, source, next_of):
    """All mutants of a file, in the order of its lines."""
    return sorted(Reader(path, source, next_of).all(), key=lambda m: (m.start, m.end, m.text))


class Reader:
    def __init__(self, path, source, next_of):
        self.path = path
        self.source = source
        self.tokens = tokens_of(source)
        self.next_of = next_of
        self.left_alone = self.find_left_alone()

    def all(self):
        found = {}
        for i in range(len(self.tokens)):
            if i not in self.left_alone:
                for start, end, text, operator in self.at(i):
                    found.setdefault((start, end, text), Mutant(self.path, start, end, text, operator))
        return list(found.values())

    def find_left_alone(self):
        """Assertions, log lines, sizes of memory, labels of a switch, and first values that a function is there to overwrite."""
        alone = set()
        tokens = self.tokens
        for i, token in enumerate(tokens[:-3]):
            if (token.text in LEFT_ALONE or LOG.match(token.text)) and tokens[i + 1].text == "(":
                alone.update(range(i, closing(tokens, i + 1) + 1))
            elif token.text == "if" and LOG.match(tokens[closing(tokens, i + 1) + 1].text):
                alone.update(range(i, closing(tokens, i + 1)))
            elif token.text == "if" and self.is_without_memory(closing(tokens, i + 1) + 1):
                alone.update(j for j in range(i, closing(tokens, i + 1)) if tokens[j].text == "||")
            elif token.text == "[" and (i - 1 in alone or tokens[i - 1].kind == "name" and self.in_declaration(i - 1)):
                alone.update(range(i, closing(tokens, i) + 1))
            elif token.text == "case":
                alone.add(i + 1)
            elif token.text.endswith(SIZES) and tokens[i + 1].text == "=":
                alone.add(i + 2)
            elif token.text == "=" and tokens[i + 2].text in ",;" and self.in_declaration(i - 1) and self.is_filled(i - 1):
                alone.add(i + 1)
        return alone | self.find_log_functions()

    def is_without_memory(self, i):
        """Does the branch at i end with -ENOMEM?"""
        end = closing(self.tokens, i) if self.tokens[i].text == "{" else i + 4
        return [token.text for token in self.tokens[end - 4:end]] == ["return", "-", "ENOMEM", ";"]

    def find_log_functions(self):
        """Functions that do nothing but log, by their name."""
        alone = set()
        for i, token in enumerate(self.tokens[:-1]):
            if LOG.match(token.text) and self.tokens[i + 1].text == "(":
                body = closing(self.tokens, i + 1) + 1
                if body < len(self.tokens) and self.tokens[body].text == "{":
                    alone.update(range(i, closing(self.tokens, body) + 1))
        return alone

    def in_declaration(self, i):
        """Is the name at i declared here, first or after a comma?"""
        start = i
        while start > 0 and self.tokens[start - 1].text not in ("{", "}", ";", "("):
            start -= 1
        first, second = self.tokens[start], self.tokens[start + 1]
        if (first.text, second.text) == ("*", "const"):
            return True  # a table of functions
        return start < i and first.kind == "name" and first.text not in KEYWORDS and (second.kind == "name" or second.text == "*")

    def is_filled(self, i):
        """Is the address of the local at i given away in the rest of its function?"""
        name = self.tokens[i].text
        for j in range(i, len(self.tokens) - 1):
            if self.tokens[j].text == "}" and self.column(j) == 0:
                return False
            if self.tokens[j].text == "&" and self.tokens[j + 1].text == name:
                return True
        return False

    def at(self, i):
        """What may be changed at one token: (start, end, text, operator)."""
        tokens = self.tokens
        token = tokens[i]
        before = tokens[i - 1].text if i else ""
        after = tokens[i + 1].text if i + 1 < len(tokens) else ""
        if token.kind == "op":
            for other in COMPARISONS.get(token.text, ()):
                yield token.start, token.end, other, "comparison"
            if token.text in ("&&", "||"):
                yield token.start, token.end, "||" if token.text == "&&" else "&&", "and/or"
            elif token.text == "!":
                yield token.start, token.end, "", "not"
            elif token.text == "?":
                yield from self.negate(self.start_of_choice(i), i)
            elif token.text == "{":
                yield from self.swap_cells(i)
        elif token.kind == "number" and "." not in token.text and (before, token.text, after) != ("return", "0", ";"):
            negative = before == "-" and (i < 2 or self.tokens[i - 2].text in SIGN_AFTER)
            yield from self.other_number(token, negative)
        elif token.text in ("true", "false"):
            yield token.start, token.end, "false" if token.text == "true" else "true", "bool"
        elif token.text in ("if", "while") and after == "(":
            yield from self.negate(i + 2, closing(tokens, i + 1))
        elif token.text == "return":
            yield from self.other_return(i)
        elif token.text in self.next_of and not token.text.endswith(SIZES) and before not in ("enum", "struct") and not self.defines(i):
            yield token.start, token.end, self.next_of[token.text], "enumerator"
        elif token.kind == "name" and after == "(":
            yield from self.delete_call(i)

    def defines(self, i):
        """Is the enumerator at i defined here?"""
        while i > 0 and self.tokens[i].text not in "{};":
            i -= 1
        return i > 1 and self.tokens[i].text == "{" and "enum" in (self.tokens[i - 1].text, self.tokens[i - 2].text)

    def other_number(self, token, negative):
        digits = token.text.rstrip("uUlL")
        value, suffix = int(digits, 0 if digits[:2] in ("0x", "0X") else 10), token.text[len(digits):]
        # One more in 30,000 ms is nothing that anybody could see.
        others = (value + 1, value - 1) if value < 1000 else (2 * value, value // 2)
        if value == 0:
            others = others[:1]
        elif negative and value == 1:
            others = others[1:]  # whatever is negative means "none"
        for other in others:
            yield token.start, token.end, f"{other}{suffix}", "number"

    def negate(self, first, end):
        """The condition in tokens [first, end)."""
        if 0 <= first < end:
            start, stop = self.tokens[first].start, self.tokens[end - 1].end
            yield start, stop, f"!({self.source[start:stop]})", "negate"

    def start_of_choice(self, i):
        depth = 0
        for j in range(i - 1, -1, -1):
            text = self.tokens[j].text
            depth += (text in ")]") - (text in "([")
            if depth < 0 or depth == 0 and (text in ("=", ",", ";", "return", "{", "?", ":", "}")):
                return j + 1
        return -1

    def other_return(self, i):
        """Another error, none, or the opposite of a predicate."""
        tokens = self.tokens
        end = i + 1
        while end < len(tokens) and tokens[end].text != ";":
            end = closing(tokens, end) + 1 if tokens[end].text in "({[" else end + 1
        if end - i == 3 and tokens[i + 1].text == "-" and re.match(r"E(?!NOMEM)[A-Z0-9]+$", tokens[i + 2].text):
            yield tokens[i + 1].start, tokens[i + 2].end, "0", "return"
        elif end - i == 2 and tokens[i + 1].text == "0":
            yield tokens[i + 1].start, tokens[i + 1].end, "-1", "return"
        elif end - i > 2 and self.in_predicate(i):
            yield from self.negate(i + 1, end)

    def in_predicate(self, i):
        """Is the function around token i one that returns bool?"""
        while i > 0 and not (self.tokens[i].text == "{" and self.column(i) == 0):
            i -= 1
        head = i
        while head > 0 and self.tokens[head - 1].text not in ("}", ";"):
            head -= 1
        return any(token.text == "bool" for token in self.tokens[head:head + 3])

    def column(self, i):
        start = self.tokens[i].start
        return start - self.source.rfind("\n", 0, start) - 1

    def swap_cells(self, i):
        """Neighbours of one kind in a row of a table."""
        tokens = self.tokens
        if i == 0 or tokens[i - 1].text not in ("=", "{", ",", ")"):
            return
        if tokens[i - 1].text == "=" and tokens[i - 2].text == "]" and tokens[i + 1].kind == "string":
            return  # a plain list of words
        if any(token.text == ";" for token in tokens[i:closing(tokens, i)]):
            return  # a block of code
        cells, cell = [], []
        for token in tokens[i + 1:closing(tokens, i) + 1]:
            if token.text in ",}":
                cells.append(cell)
                cell = []
            else:
                cell.append(token)
        for left, right in zip(cells, cells[1:]):
            if len(left) == len(right) == 1 and self.kind(left[0]) == self.kind(right[0]) and left[0].text != right[0].text:
                left, right = left[0], right[0]
                between = self.source[left.end:right.start]
                yield left.start, right.end, f"{right.text}{between}{left.text}", "swap"

    def kind(self, token):
        if token.text in self.next_of:
            return "enumerator"
        return "bool" if token.text in ("true", "false") else token.kind

    def delete_call(self, i):
        """A call whose result nobody uses."""
        tokens = self.tokens
        if i == 0 or tokens[i].text in KEYWORDS or NOT_DELETED.search(tokens[i].text):
            return
        end = closing(tokens, i + 1) + 1
        starts = tokens[i - 1].text in (";", "{", "}", "else", ":", ")")
        if starts and end < len(tokens) and tokens[end].text == ";":
            lines = "\n" * self.source.count("\n", tokens[i].start, tokens[end].end)
            yield tokens[i].start, tokens[end].end, f";{lines}", "delete"
