"""Keras code as people write it, read for a builder: what comes of it, and what is said if not.

The cases are in ``builder_code_cases.txt``: for each a title, the code, and behind a line of three
dashes how the graph is written again (without the imports), or the error.
"""

import random
import re
import time
from pathlib import Path

import pytest
from builder_documents import random_document

from kerasnb.errors import LoadError
from kerasnb.notebook.builder.code import to_code
from kerasnb.notebook.builder.parsing import from_code

IMPORTS = "import keras\nfrom keras import layers\n"
HEADER = "import kerasnb as keras\nfrom kerasnb import layers\n"


def cases():
    """Title, code and outcome of each case."""
    text = Path(__file__).with_name("builder_code_cases.txt").read_text("utf-8")
    found = []
    for case in text.split("=== ")[1:]:
        title, rest = case.split("\n", 1)
        source, outcome = rest.split("\n---\n")
        found.append((title, source, outcome.strip("\n")))
    return found


CASES = cases()
READ = [case for case in CASES if not case[2].startswith("Line ")]
REFUSED = [case for case in CASES if case[2].startswith("Line ")]

LINES = "\n".join("a = [a, a]" for _ in range(60))
CELLS = "\n".join("c = layers.RNN([c, c])" for _ in range(60))

# what would take for ever, or all memory, if it were carried out
BOMBS = [
    ("a list that doubles", f"a = [1]\n{LINES}\nmodel = keras.Sequential([layers.Dense(a)])"),
    ("a comparison", f"a = (1,)\n{LINES}\nmodel = keras.Sequential([layers.Dense(a == a)])"),
    ("a key", f"a = (1,)\n{LINES}\nmodel = keras.Sequential([layers.Dense({{1: 2}}[a])])"),
    ("a largest", f"a = (1,)\n{LINES}\nmodel = keras.Sequential([layers.Dense(max(a))])"),
    ("cells", f"c = layers.LSTMCell(3)\n{CELLS}\nmodel = keras.Sequential([c])"),
    ("a power", "model = keras.Sequential([layers.Dense(9**9**9)])"),
    ("a shift", "model = keras.Sequential([layers.Dense(1 << 10**9)])"),
    ("a text", "model = keras.Sequential([layers.Dense(1, name='a' * 10**9)])"),
    ("a list", "model = keras.Sequential([layers.Dense(1)] * 10**9)"),
    ("a format", "model = keras.Sequential([layers.Dense(1, name='%999999999d' % 3)])"),
    (
        "a range",
        "model = keras.Sequential()\nfor i in range(10**9):\n    model.add(layers.Dense(i))",
    ),
    ("a sum", "model = keras.Sequential([layers.Dense(sum(range(10**9)))])"),
    ("a search", "model = keras.Sequential([layers.Dense(0.5 in range(10**9))])"),
    ("additions", "x = " + "1+" * 50000 + "1"),
    ("brackets", "x = " + "[" * 90000),
    ("branches", "if a:\n    pass\n" + "elif a:\n    pass\n" * 5000),
    ("calls", "model = layers" + "()" * 50000),
    ("a number", "x = " + "9" * 150000),
    ("much", "x" * 200001),
]


@pytest.mark.parametrize(("source", "code"), [r[1:] for r in READ], ids=[r[0] for r in READ])
def test_code_is_read_as_it_is_meant(source, code):
    document = from_code(source, {})
    document.check()
    again = to_code(document)
    header, _, body = again.partition("\n\n")
    assert header in (HEADER.strip(), f"{HEADER.strip()}, ops", f"{HEADER.strip()}"[:-6] + "ops")
    assert body.strip("\n") == code
    if document.nodes:
        assert to_code(from_code(again, {})) == again


@pytest.mark.parametrize(("source", "text"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_cannot_be_drawn_is_said_with_its_line(source, text):
    with pytest.raises(LoadError) as error:
        from_code(source, {})
    assert str(error.value) == text


@pytest.mark.parametrize("source", [b[1] for b in BOMBS], ids=[b[0] for b in BOMBS])
def test_no_code_takes_long(source):
    start = time.perf_counter()
    with pytest.raises(LoadError):
        from_code(IMPORTS + source, {})
    # they take 0.03 s at most; a busy machine is given ten times more
    assert time.perf_counter() - start < 0.3


def test_code_is_not_carried_out(tmp_path):
    path = tmp_path / "made"
    source = f"""
import builder_documents_that_nobody_has
open({str(path)!r}, "w").write("x")
__import__("os").mkdir({str(path)!r})
model = keras.Sequential([layers.Dense(1, name=open({str(path)!r}, "w").name)])
"""
    with pytest.raises(LoadError) as error:
        from_code(IMPORTS + source, {})
    assert str(error.value) == "Line 7: 'open' has no value here: give it one before."
    assert not path.exists()


def test_training_loops_are_passed_over():
    source = """
model = keras.Sequential([layers.Dense(1)])
for epoch in range(1000):
    for step in range(1000):
        loss = train(step)
"""
    assert [node.type for node in from_code(IMPORTS + source, {})] == ["InputLayer", "Dense", ""]


TOKENS = (
    "(", ")", "[", "]", "{", "}", ",", ":", "=", "+", "*", "**", "-", "/", ".", "\n", "\n    ",
    "x", "layers", "keras", "keras.Input", "inputs", "model", "lambda x: ", "for i in range(3):\n ",
    "def f(x):\n ", "return ", "if x:\n ", "else:\n ", "not ", "None", "0", "1e9", "10**9", "'a'",
    "f'{x}'", "f'{i}_{", "x.shape[1:]", "yield ", "await ", "*x", "**x", "_", "x, y = ", "x[0]",
    "while x:\n ", "class x:\n ", "import os\n", "del x\n", "@x\n", "model.add(x)\n", "x += x\n",
    "\x00", "\t", "\\", "#", "é", "print(x)\n", "[x for x in x]", "layers.LSTM(3)(x)",
    "1 if x else ",
)  # fmt: skip


def damaged(source, chance):
    """Some code with pieces taken out, doubled, moved or put in."""
    for _ in range(chance.choice([1, 1, 2, 4])):
        start = chance.randrange(len(source) + 1)
        end = min(len(source), start + chance.choice([1, 1, 3, 10, 60]))
        piece = chance.choice([*TOKENS, source[start:end] * 2, "", "", source[end : end + 20]])
        source = source[:start] + piece + source[end:]
    return source


def confused(source, chance):
    """Some code in which lines are gone, doubled or moved, and words are other words: mostly still
    Python."""
    for _ in range(chance.choice([1, 2, 4, 8])):
        lines = source.split("\n")
        place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        words = list(re.finditer(r"\w+", source))
        word, new = chance.choice(words), chance.choice(words).group()
        number = chance.choice(["0", "1", "-1", "1000", "10**9", "x", "None", "[x, x]", "i", "f"])
        kind = chance.choice(["gone", "doubled", "moved", "word", "word", "word", "number"])
        if kind == "gone":
            del lines[place]
        elif kind == "doubled":
            lines.insert(place, lines[place])
        elif kind == "moved":
            lines.insert(place, lines.pop(other))
        else:
            new = new if kind == "word" else number
            lines = [source[: word.start()] + new + source[word.end() :]]
        source = "\n".join(lines) or "x"
    return source


def outcome(source):
    """The document that code describes and no error, or no document and what is said."""
    try:
        return from_code(source, {}), ""
    except LoadError as error:
        return None, str(error)


@pytest.mark.parametrize("first", range(0, 500, 50))
def test_of_damaged_code_there_is_a_graph_or_an_error_in_words(first):
    for seed in range(first, first + 50):
        chance = random.Random(seed)
        whole = to_code(random_document(seed)) if seed % 2 else chance.choice(READ)[1]
        source = chance.choice([damaged, confused, confused])(whole, chance)
        start = time.perf_counter()
        document, text = outcome(source)
        if document is None:
            assert text.startswith("Line "), source
        else:
            document.check()
            compile(to_code(document), "code", "exec")
        assert time.perf_counter() - start < 3, f"reading takes long:\n{source}"
