"""JSON, safetensors, NumPy's files and pickles that say too much: each is refused."""

import contextlib
import io
import json
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

import kerasnb
from kerasnb import layers
from kerasnb.datasets.npz import read_npz
from kerasnb.datasets.pickles import read_pickle
from kerasnb.errors import LoadError
from kerasnb.files import safetensors
from kerasnb.files.plain import parse


def refused(text, read, data, *arguments):
    """`read` refuses `data` with this text, fast, and in little memory."""
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(LoadError) as error:
        read(data, *arguments)
    assert time.perf_counter() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 3 * len(data) + 30e6
    tracemalloc.stop()
    assert str(error.value) == text


# JSON

DEEP = "it is nested deeper than 128 levels"
NO_JSON = "it is no JSON: "
DOCUMENTS = {
    "a key twice": (b'{"a": {"b": 1, "b": 2}}', ".a", "the key 'b' comes twice"),
    "a key twice in two spellings": (b'{"a": 1, "\\u0061": 2}', "", "the key 'a' comes twice"),
    "not a number": (b'{"a": [0, NaN]}', ".a[1]", "NaN is no number of JSON"),
    "infinity": (b'{"a": -Infinity}', ".a", "-Infinity is no number of JSON"),
    "infinity in digits": (b"[1e999]", "[0]", "the number 1e999 is not finite"),
    "a number of a million digits": (b"[" + b"7" * 10**6, None, None),
    "a long number": (b"[" + b"7" * 61 + b"]", "[0]", "a number of 61 digits"),
    "a long fraction": (b"[0." + b"7" * 10**6 + b"]", "[0]", "a number of 1000002 digits"),
    "lists in lists": (b"[" * 400_000, "", DEEP),
    "deep dictionaries": (b'{"a":' * 200 + b"1" + b"}" * 200, "", DEEP),
    "brackets after an open quote": (b'"' + b'\\"[' * 10**5, "",
                                     NO_JSON + "Unterminated string starting at: line 1 column 1 "
                                     "(char 0)"),
    "too many values": (b"[" + b"0," * 10**6 + b"0]", "", "it has more than 500,000 values"),
    "too long": (b" " * (16 << 20) + b"1", "", "it has 16,777,217 bytes, the most are 16,777,216"),
    "half a surrogate pair": (b'{"a": "\\ud800"}', ".a", "a text has half of a surrogate pair"),
    "a key that is half a pair": (b'{"\\ud800": 1}', "", "a text has half of a surrogate pair"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "", "it is not UTF-8: invalid start byte at byte 0"),
    "a mark of order": (b'\xef\xbb\xbf{"a": 1}', "",
                        NO_JSON + "Expecting value: line 1 column 1 (char 0)"),
    "two documents": (b"{}{}", "", NO_JSON + "Extra data: line 1 column 3 (char 2)"),
    "nothing": (b"", "", NO_JSON + "Expecting value: line 1 column 1 (char 0)"),
    "a comment": (b"{} // x", "", NO_JSON + "Extra data: line 1 column 4 (char 3)"),
}  # fmt: skip


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_hostile_document_is_refused(case):
    data, place, why = DOCUMENTS[case]
    if why is None:
        with pytest.raises(LoadError):
            parse(data, "c.json")
    else:
        refused(f"c.json{place}: {why}.", parse, data, "c.json")


@pytest.mark.parametrize(
    "text",
    ['"' + "\\\\" * 4_000_000 + '"', '"' + "]" * 8_000_000 + '"', "]" * 8_000_000,
     '"' + '\\"' * 4_000_000, '"' * 8_000_000, "\\" * 8_000_000, "{" * 400_000 + "}" * 400_000],
)  # fmt: skip
def test_no_text_takes_more_time_than_its_length(text):
    began = time.perf_counter()
    with contextlib.suppress(LoadError):
        parse(text, "c")
    assert time.perf_counter() - began < 2


def test_brackets_in_strings_are_no_levels():
    value = {"[" * 500: ["{" * 500, '"[' * 300, "\\" + "[" * 300]}
    assert parse(json.dumps(value), "c") == value


def test_long_places_cost_little():
    inner = json.dumps(["x"] * 50_000)
    for _ in range(100):
        inner = f'{{"{"k" * 500}": {inner}}}'
    tracemalloc.start()
    parse(inner, "c")
    assert tracemalloc.get_traced_memory()[1] < 3 * len(inner) + 30e6
    tracemalloc.stop()


def test_an_error_has_no_more_than_600_letters_and_one_line():
    with pytest.raises(LoadError) as error:
        parse(
            json.dumps({"\n" * 9000: {"k" * 9000: "\x1b"}}).replace('"\\u001b"', "NaN"), "c" * 700
        )
    text = str(error.value)
    assert len(text) <= 600
    assert text.isprintable()


# safetensors


def tensors(header, values=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + values


def tensor(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)} | more


SHORT = "it is no safetensors file, or is cut short"
HELD = "it lies in another tensor, or something lies between the tensors"
FILES = {
    "empty": (b"", "", SHORT),
    "a length alone": (struct.pack("<Q", 1 << 62), "", SHORT),
    "a header of exabytes": (tensors({}, length=1 << 62), "", SHORT),
    "a header beyond the end": (tensors({}, length=3), "", SHORT),
    "a list as header": (tensors(b"[{}]"), "", SHORT),
    "spaces in front": (tensors(b"  {}"), "", SHORT),
    "a tensor twice": (
        tensors(b'{"a":' + json.dumps(tensor()).encode() + b',"a":1}'), "",
        "the key 'a' comes twice"),
    "two in one place": (tensors({"a": tensor(), "b": tensor()}, bytes(8)), ", 'b'", HELD),
    "one within another": (
        tensors({"a": tensor(), "b": tensor(shape=[1], offsets=[4, 8])}, bytes(8)), ", 'b'", HELD),
    "a gap": (tensors({"a": tensor(offsets=[8, 16])}, bytes(16)), ", 'a'", HELD),
    "something behind": (
        tensors({"a": tensor()}, bytes(9)), "", "its tensors have 8 bytes, and 9 are stored"),
    "cut short": (
        tensors({"a": tensor()}, bytes(7)), "", "its tensors have 8 bytes, and 7 are stored"),
    "a shape of gigabytes": (
        tensors({"a": tensor(shape=[1 << 30])}, bytes(8)), ", 'a'",
        "it declares 4,294,967,296 bytes, and stores 8"),
    "a shape that overflows": (
        tensors({"a": tensor(shape=[1 << 62, 4])}, bytes(8)), ", 'a'.shape",
        "expected whole numbers, got a list of 2"),
    "a shape below zero": (
        tensors({"a": tensor(shape=[-1, -2])}, bytes(8)), ", 'a'.shape",
        "expected whole numbers, got a list of 2"),
    "a shape of fractions": (
        tensors({"a": tensor(shape=[2.0])}, bytes(8)), ", 'a'.shape",
        "expected whole numbers, got a list of 1"),
    "a shape that is true": (
        tensors({"a": tensor(shape=[True, 2])}, bytes(8)), ", 'a'.shape",
        "expected whole numbers, got a list of 2"),
    "many dimensions": (
        tensors({"a": tensor(shape=[1] * 99 + [2])}, bytes(8)), ", 'a'.shape",
        "expected whole numbers, got a list of 100"),
    "places backwards": (
        tensors({"a": tensor(offsets=[8, 0])}, bytes(8)), ", 'a'",
        "it declares 8 bytes, and stores -8"),
    "three places": (
        tensors({"a": tensor(offsets=[0, 8, 8])}, bytes(8)), ", 'a'.data_offsets",
        "expected two whole numbers, got a list of 3"),
    "an unknown type": (
        tensors({"a": tensor("O")}, bytes(8)), ", 'a'.dtype",
        "'O' is none of BOOL, U8, I8, U16, I16, U32, I32, U64, I64, F16, F32, F64, BF16"),
    "one thing more": (
        tensors({"a": tensor(code="x")}, bytes(8)), ", 'a'",
        "expected dtype, shape and data_offsets, and nothing else"),
    "a note that is no text": (
        tensors({"__metadata__": {"a": {}}}), ".__metadata__", "expected texts by name"),
    "a truth of 2": (
        tensors({"a": tensor("BOOL", [8])}, b"\2" * 8), ", 'a'",
        "a value is neither true nor false"),
}  # fmt: skip


def read_tensors(data, what):
    return [found.array() for found in safetensors.unpack(data, what).values()]


@pytest.mark.parametrize("case", FILES)
def test_hostile_safetensors_are_refused(case):
    data, place, why = FILES[case]
    refused(f"f{place}: {why}.", read_tensors, data, "f")


def model():
    made = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3), layers.BatchNormalization()])
    made.name = "m"
    return made


def test_weights_go_to_safetensors_and_back(tmp_path):
    first, second = model(), model()
    first.save_weights(tmp_path / "a.safetensors")
    second.load_weights(tmp_path / "a.safetensors")
    assert all(map(np.array_equal, first.get_weights(), second.get_weights()))


def test_the_package_of_the_format_s_authors_reads_ours_and_we_read_theirs(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    values = {name: np.arange(6).astype(dtype).reshape(2, 3)
              for name, dtype in zip("abcdefghijkl", "?bBhHiIlLefd", strict=True)}  # fmt: skip
    values["empty"], values["scalar"] = np.zeros((0, 3)), np.array(1.5)
    for found in (
        package.load(bytes(safetensors.pack(values))),
        {k: v.array() for k, v in safetensors.unpack(package.save(values), "x").items()},
    ):
        assert found.keys() == values.keys()
        for name, value in values.items():
            assert found[name].dtype == value.dtype
            np.testing.assert_array_equal(found[name], value)


def test_every_changed_byte_of_safetensors_is_found():
    data = safetensors.pack({"a": np.arange(6.0), "b": np.zeros((0, 2))})
    for place in range(len(data)):
        for bit in (0, 3, 7):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(LoadError):
                safetensors.unpack(bytes(changed), "f")


def test_bfloat16_becomes_float32():
    raw = struct.pack("<2H", 0x3FC0, 0xC000)
    found = safetensors.unpack(tensors({"a": tensor("BF16", [2], [0, 4])}, raw), "f")
    np.testing.assert_array_equal(found["a"].array(), np.array([1.5, -2.0], "f4"))


# NumPy's files and pickles


def npy(header, values=b""):
    text = (header + " " * 20 + "\n").encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + values


def npz(data, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("x.npy", data)
    return buffer.getvalue()


ZEROS = npz(bytes(100_000_000))
MOST = (64 << 20) + 20 * len(ZEROS)
ARRAYS = {
    "a shape of gigabytes": (
        npz(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999)}")),
        ", array x: expected (99999, 99999) of float32, got 0 bytes."),
    "a shape below zero": (
        npz(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -4)}", bytes(16))),
        ", array x: an array of shape (-1, -4) and dtype 'f' is refused."),
    "records": (
        npz(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", bytes(4))),
        ", array x: an array of shape (1,) and dtype 'V' is refused."),
    "code in the header": (
        npz(npy("{'descr': print('x'), 'fortran_order': False, 'shape': ()}")),
        ", array x: it is no array as NumPy writes them."),
    "zeros": (ZEROS, f": it unpacks to 100,000,000 bytes, the most are {MOST:,}."),
    "bzip2": (
        npz(npy("{}"), zipfile.ZIP_BZIP2),
        ", member 'x.npy': it is packed by method 12, not 0 or 8."),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS)
def test_hostile_arrays_are_refused(case, tmp_path):
    data, why = ARRAYS[case]
    path = tmp_path / "a.npz"
    path.write_bytes(data)
    with pytest.raises(LoadError) as error:
        read_npz(path, ("x",))
    assert str(error.value) == f"{path}{why}"


def laughs():
    """A list of ten lists of ten lists …: a billion of them in 400 bytes."""
    data = b"\x80\x02(K\x01l"
    for level in range(9):
        data += b"q" + bytes([level]) + b"0(" + (b"h" + bytes([level])) * 10 + b"l"
    return data + b"."


def copies():
    """An array of a megabyte, made again and again from the same bytes."""
    begin = b"(cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\1b\x87R"
    state = b"(K\1J" + struct.pack("<i", 10**6) + b"\x85cnumpy\ndtype\nU\2u1K\0K\1\x87R"
    state += b"(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89h\0tb"
    first = b"B" + struct.pack("<I", 10**6) + bytes(10**6) + b"q\0" + b"0"
    return b"\x80\x02" + first + b"]q\1" + (begin[1:] + state + b"a") * 500 + b"."


GROWS = "the pickle grows beyond its own size."
TWICE = "the pickle holds a list, a dictionary or a tuple twice."
KEYS = "the pickle holds a dictionary whose keys are no texts or numbers."
COLLIDING = b"".join(
    b"\x8a\x09" + (n * (2**61 - 1)).to_bytes(9, "little") + b"N" for n in range(2000)
)
PICKLES = {
    "a billion laughs": (laughs(), TWICE),
    "a list within itself": (b"\x80\x02]q\0h\0a.", TWICE),
    "a list within itself, doubled": (b"\x80\x022.".replace(b"2", b"]2a"), TWICE),
    "one array five hundred times": (copies(), GROWS),
    "keys of one place": (b"\x80\x02}(" + COLLIDING + b"u.", KEYS),
    "fractions as keys": (b"\x80\x02}G" + bytes(8) + b"Ns.", KEYS),
    "tuples as keys": (b"\x80\x02}K\1\x85Ns.", KEYS),
}


@pytest.mark.parametrize("case", PICKLES)
def test_hostile_pickles_are_refused(case):
    data, why = PICKLES[case]
    refused(f"f: {why} Only data is read; nothing of it was executed.", read_pickle, data, "f")
