"""HDF5 files that lead elsewhere, declare what they do not store, or go in circles."""

import io
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

import kerasnb
from kerasnb import layers
from kerasnb.errors import LoadError
from kerasnb.files import hdf5

h5py = pytest.importorskip("h5py")

VALUES = np.arange(6, dtype="f4").reshape(2, 3)


def made(write, **options):
    """A file that h5py writes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        write(file)
    return buffer.getvalue()


def plain(file):
    file["a"] = VALUES
    file["b"] = VALUES + 1


def put(data, at, form, *numbers):
    """`data` with other numbers at a place."""
    new = struct.pack("<" + form, *numbers)
    return data[:at] + new + data[at + len(new) :]


PLAIN = made(plain)
SHAPE = PLAIN.index(struct.pack("<2Q", 2, 3))  # of the first data set, in its header
HEADER = SHAPE - 8 - 8 - 16  # of its object
LAYOUT = PLAIN.index(struct.pack("<2B", 3, 1), SHAPE)
ADDRESS = LAYOUT + 2
SECOND = PLAIN.index(struct.pack("<2B", 3, 1), LAYOUT + 10) + 2
TREE, HEAP, NODE = (PLAIN.index(sign) for sign in (b"TREE", b"HEAP", b"SNOD"))
NAMES = struct.unpack_from("<Q", PLAIN, HEAP + 24)[0]


def chunked(file):
    file.create_dataset("a", data=np.arange(40.0), chunks=(10,), compression="gzip", shuffle=True)


CHUNKED = made(chunked)
CHUNKS = CHUNKED.index(b"TREE\1")


def bomb(file):
    file.create_dataset("a", data=np.zeros(12_000_000), chunks=(1_000_000,), compression="gzip")


def attribute(value):
    def write(file):
        file["a"] = VALUES
        file["a"].attrs["x"] = value

    return made(write)


def links(value):
    return made(lambda file: file.__setitem__("a", value))


def virtual(file):
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "a", (2, 3))
    file.create_virtual_dataset("a", layout)


def external(file):
    file.create_dataset("a", (2, 3), "f4", external=[("/etc/passwd", 0, 24)])


def of_type(dtype):
    return made(lambda file: file.create_dataset("a", (3,), dtype))


def filtered(**options):
    return made(lambda file: file.create_dataset("a", data=np.zeros(9), chunks=(9,), **options))


def twice(file):
    plain(file)
    file["c"] = file["a"]


def itself(file):
    group = file.create_group("g")
    group["again"] = group


def deep(file):
    file["/".join("g" * 70)] = VALUES


CLASS = "a type of the class {!r} is refused"
LINKS = "several links lead to it, which is refused"
OLD = "it is a group of HDF5's later format, which is refused"
VIRTUAL = (
    "its layout, 3 of version 4, is refused: a virtual data set, or one that was not written in "
    "HDF5's earliest format. Write it again with h5py's default settings"
)
OUT = "a part of it is outside the file, or within another part"
SHARED = "a part of it is also another part of the file"
SOFT = "it holds a soft link, which is refused"
LATER = (
    "it has the superblock {}, not 0 of HDF5's earliest format. Write it again with h5py's default "
    "settings"
)
HEADERS = (
    "it has no header of HDF5's earliest format. If h5py can read the file, write it again with "
    "h5py's default settings"
)
BEGINS = "it cannot be read: no HDF5 file begins like this"
ENDS = "it is cut short, or something follows its end"
DAMAGED = "its chunks are damaged"
UNPACKED = "a chunk is damaged: it cannot be unpacked"
TREES = "a tree of its parts is damaged"

HOSTILE = {
    # what leads out of the file
    "an external link": (made(lambda f: f.__setitem__("a", h5py.ExternalLink("/etc/x.h5", "b"))),
                         "", OLD),
    "a soft link": (links(h5py.SoftLink("/b")), "", SOFT),
    "external storage": (made(external), "'a'", "its values are in other files, which is refused"),
    "a virtual data set": (made(virtual), "'a'", VIRTUAL),
    "a second link": (made(twice), "'c'", LINKS),
    "a group that holds itself": (made(itself), "'g'", LINKS),
    # types that hold more than numbers
    "references": (of_type(h5py.ref_dtype), "'a'", CLASS.format("reference")),
    "regions": (of_type(h5py.regionref_dtype), "'a'", CLASS.format("reference")),
    "records": (of_type([("x", "f4"), ("y", "i4")]), "'a'", CLASS.format("compound")),
    "texts of any length": (of_type(h5py.string_dtype()), "'a'", "it holds no numbers"),
    "texts": (of_type("S5"), "'a'", "it holds no numbers"),
    "lists": (of_type(h5py.vlen_dtype("f4")), "'a'", CLASS.format("variable length")),
    "raw bytes": (of_type("V16"), "'a'", CLASS.format("opaque")),
    "complex numbers": (of_type("c8"), "'a'", CLASS.format("compound")),
    "an enumeration": (of_type(h5py.enum_dtype({"a": 1, "b": 2})), "'a'", CLASS.format("enum")),
    "nothing": (made(lambda f: f.__setitem__("a", h5py.Empty("f4"))), "'a'", "it holds no numbers"),
    "an attribute that refers": (made(lambda f: f.attrs.__setitem__("x", f.ref)), "attribute 'x'",
                                 CLASS.format("reference")),
    # filters
    "LZF": (filtered(compression="lzf"), "'a'",
            "its filter 32000 is refused: it is not gzip or shuffle"),
    "Fletcher's check sum": (filtered(fletcher32=True), "'a'",
                             "its filter 3 is refused: it is not gzip or shuffle"),
    "scale and offset": (made(lambda f: f.create_dataset("a", data=np.zeros(9, "i4"), chunks=(9,),
                         scaleoffset=2)), "'a'",
                         "its filter 6 is refused: it is not gzip or shuffle"),
    # other formats of the same file
    "the latest format": (made(plain, libver="latest"), "", LATER.format(3)),
    "an order of members": (made(plain, track_order=True), "", HEADERS),
    "a block in front": (b"\x7fELF".ljust(512, b"\0") + PLAIN, "", BEGINS),
    "a zip in front": (b"PK\3\4".ljust(512, b"\0") + PLAIN, "", BEGINS),
    "a pickle": (b"\x80\4.", "", BEGINS),
    "something behind": (PLAIN + b"GIF89a", "", ENDS),
    "half of it": (PLAIN[: len(PLAIN) // 2], "", ENDS),
    "an early end": (PLAIN[:50], "", "it is damaged: a part of it is cut short"),
    "a begin alone": (PLAIN[:8], "", "it is damaged: a part of it is cut short"),
    "a digest of numbers": (made(lambda f: (plain(f), f["a"].attrs.__setitem__("sha256", [1, 2]))),
                            "'a'", "its values were changed after they were saved"),
    "empty": (b"", "", BEGINS),
    # more declared than stored
    "a shape of exabytes": (put(PLAIN, SHAPE, "2Q", 1 << 31, 1 << 31), "'a'",
                            "its shape is damaged"),
    "a shape of gigabytes": (put(PLAIN, SHAPE, "2Q", 1 << 15, 1 << 15), "'a'",
                             "it declares 4,294,967,296 bytes, and stores 24"),
    "gigabytes that are not there": (put(put(PLAIN, SHAPE, "2Q", 1 << 15, 1 << 15), LAYOUT + 10,
                                     "Q", 1 << 32), "'a'", OUT),
    "less declared than stored": (put(PLAIN, SHAPE, "2Q", 1, 3), "'a'",
                                  "it declares 12 bytes, and stores 24"),
    "values that were never written": (made(lambda f: f.create_dataset("a", (9, 9), "f4")), "'a'",
                                       OUT),
    "chunks that were never written": (made(lambda f: f.create_dataset("a", (1000,) * 3, "f4",
                                       chunks=(10, 1000, 1000))), "",
                                       "it is damaged: a part of it is cut short"),
    "a bomb": (made(bomb), "'a'", "it unpacks to far more than the file's size"),
    "a chunk that is longer": (put(CHUNKED, CHUNKED.index(struct.pack("<3L", 2, 10, 8)) + 4, "L", 9)
                               if struct.pack("<3L", 2, 10, 8) in CHUNKED else
                               put(CHUNKED, CHUNKED.index(struct.pack("<2L", 10, 8)), "L", 9),
                               "'a'", DAMAGED),
    "too many chunks": (made(lambda f: f.create_dataset("a", (300_000,), "i1", chunks=(1,))), "'a'",
                        "the file has more than 200,000 chunks"),
    # parts that are also other parts
    "two data sets of the same values": (
        put(PLAIN, SECOND, "Q", struct.unpack_from("<Q", PLAIN, ADDRESS)[0]), "'b'", SHARED),
    "values that are the directory": (put(PLAIN, ADDRESS, "Q", TREE), "", SHARED),
    "a list of members twice": (put(PLAIN, TREE + 6, "H", 2), "", "its list of members is damaged"),
    "a tree in a circle": (put(put(PLAIN, TREE + 5, "B", 1), TREE + 32, "Q", TREE), "", TREES),
    "a tree of endless height": (put(PLAIN, TREE + 5, "B", 200), "", TREES),
    "a member twice": (put(PLAIN, NODE + 48, "Q", struct.unpack_from("<Q", PLAIN, NODE + 8)[0]), "",
                       "its members are not in order"),
    "a header that goes on in itself": (
        put(PLAIN, HEADER + 16, "2HL2Q", 0x10, 40, 0, HEADER + 16, 48), "'a'", OUT),
    "too many groups in each other": (made(deep), "",
                                      "its groups are nested deeper than 64 levels"),
    # names
    "a name with a slash": (PLAIN[: NAMES + 8] + b"a/b" + PLAIN[NAMES + 11 :], "",
                            "a member has the name 'a/b'"),
    "a name that leads upward": (PLAIN[: NAMES + 8] + b".." + PLAIN[NAMES + 10 :], "",
                                 "a member has the name '..'"),
    "a name that steers a terminal": (PLAIN[: NAMES + 8] + b"a\x1b[2J" + PLAIN[NAMES + 13 :], "",
                                      "a member has the name 'a\\x1b[2J'"),
    "a name that is not UTF-8": (PLAIN[: NAMES + 8] + b"\x61\xff" + PLAIN[NAMES + 10 :], "",
                                 "a text is not UTF-8"),
    # damage within
    "a chunk that is no stream": (
        put(CHUNKED, struct.unpack_from("<Q", CHUNKED, CHUNKS + 48)[0], "Q", 0), "'a'", UNPACKED),
    "a chunk at a wrong place": (put(CHUNKED, CHUNKS + 32, "Q", 7), "'a'", DAMAGED),
    "a chunk that passes its filter": (put(CHUNKED, CHUNKS + 28, "L", 1), "'a'", DAMAGED),
    "a type of no size": (put(PLAIN, PLAIN.index(b"\x11\x20\x1f\x00") + 4, "L", 0), "'a'",
                          "its type is damaged"),
    "a float of strange parts": (put(PLAIN, PLAIN.index(b"\x11\x20\x1f\x00") + 12, "B", 9), "'a'",
                                 CLASS.format("float")),
    "an attribute beyond its message": (
        (lambda d: put(d, d.index(b"x\0\0\0\0\0\0\0") - 6, "H", 60_000))(attribute(1.5)), "'a'",
        "an attribute is damaged"),
    "a text that is elsewhere": (
        (lambda d: put(d, d.index(struct.pack("<L", 5), d.index(b"x\0\0\0\0\0\0\0")), "L", 999))(
            attribute("hello")), "'a', attribute 'x'", "its text is not where it should be"),
}  # fmt: skip


def refused(data):
    """The text with which a file, or its values, are refused; fast, and in little memory."""
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(LoadError) as error:
        [dataset.array() for dataset in hdf5.unpack(data, "f.h5").datasets.values()]
    assert time.perf_counter() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 3 * len(data) + 30e6
    tracemalloc.stop()
    assert len(str(error.value)) <= 600
    return str(error.value)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused(case):
    data, place, why = HOSTILE[case]
    assert refused(data) == f"f.h5{', ' * bool(place)}{place}: {why}."


def test_a_bomb_within_a_bomb_is_refused(tmp_path):
    """Zeros packed twice: each layer alone unpacks to no more than is allowed."""
    zeros = np.zeros(1_500_000)

    def twice_packed(file):
        file["a"] = np.zeros(6_000_000)
        for name in "bcdefghijkl":
            file.create_dataset(name, data=zeros, chunks=(500_000,), compression=9)

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.weights.h5", made(twice_packed))
    path = tmp_path / "a.keras"
    path.write_bytes(buffer.getvalue())
    assert len(buffer.getvalue()) < 200_000
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3)])
    text = r"a\.keras, model\.weights\.h5, '\w': it unpacks to far more than the file's size\.\Z"
    tracemalloc.start()
    with pytest.raises(LoadError, match=text):
        model.load_weights(path)
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()


# Honest files


@pytest.mark.parametrize(
    "value",
    [
        np.arange(24, dtype="f8").reshape(2, 3, 4), np.arange(5, dtype=">f4"), np.float16(1.5),
        np.arange(9, dtype="u2"), np.array(-3), np.array([True, False]), np.zeros((0, 3), "f4"),
        np.zeros((2, 0)), np.array(2**63, "u8"), np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"chunks": True}, {"compression": "gzip"},
                                     {"compression": 9, "shuffle": True}])  # fmt: skip
def test_what_h5py_writes_is_read(value, options):
    if options and 0 in (np.size(value), np.ndim(value)):
        options = {}
    data = made(lambda f: f.create_dataset("x/y", data=value, **options))
    found = hdf5.unpack(data, "f").datasets["x/y"]
    assert found.shape == value.shape
    assert found.array().dtype == value.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found.array(), value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"), (b"bytes", "bytes"), (np.bytes_(b"fixed"), "fixed"), ("ä" * 70000,) * 2,
        (["a", "bb"], ["a", "bb"]), (np.array([b"a", b"bb"]), ["a", "bb"]), (3, 3), (True, True),
        ("", ""), (h5py.Empty("f4"), None),
    ],
)  # fmt: skip
def test_attributes_are_read(value, expected):
    assert hdf5.unpack(attribute(value), "f").datasets["a"].attributes == {"x": expected}


def test_a_group_of_many_members_is_read():
    data = made(lambda f: [f.__setitem__(f"g/{i}", np.full(3, i)) for i in range(2000)])
    found = hdf5.unpack(data, "f").datasets
    assert all((found[f"g/{i}"].array() == i).all() for i in range(2000))


def test_bfloat16_becomes_float32():
    raw = np.array([0x3FC0, 0xC000], "u2").view("V2")
    found = hdf5.unpack(made(lambda f: f.__setitem__("a", raw)), "f").datasets["a"].array()
    np.testing.assert_array_equal(found, np.array([1.5, -2.0], "f4"))


# Files of ours


def test_h5py_reads_what_is_written():
    data = bytes(
        hdf5.pack({"g/a": VALUES, "b": np.array(True)}, {"g": {"name": "ä"}, "": {"n": ""}})
    )
    with h5py.File(io.BytesIO(data)) as file:
        np.testing.assert_array_equal(file["g/a"][()], VALUES)
        assert file["b"][()]
        assert file["g"].attrs["name"] == "ä"
    found = hdf5.unpack(data, "f")
    assert found.groups == {"": {"n": ""}, "g": {"name": "ä"}}
    np.testing.assert_array_equal(found.datasets["g/a"].array(), VALUES)


def test_every_changed_byte_of_ours_is_found():
    data = bytes(hdf5.pack({"g/a": VALUES}, {"": {"note": "x"}}))
    for place in range(0, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        with pytest.raises(LoadError):
            hdf5.unpack(bytes(changed), "f")


def test_a_changed_tensor_is_found_without_the_digest_of_the_file():
    data = bytes(hdf5.pack({"a": VALUES, "b": VALUES}))
    place = data.index(VALUES.tobytes())
    changed = bytearray(data)
    changed[place] ^= 1
    changed[:512] = hdf5._seal(memoryview(changed))
    text = r"\Af, 'a': its values were changed after they were saved\.\Z"
    found = hdf5.unpack(bytes(changed), "f").datasets
    with pytest.raises(LoadError, match=text):
        found["a"].array()
    np.testing.assert_array_equal(found["b"].array(), VALUES)


def test_a_file_that_does_not_fit_changes_nothing(tmp_path):
    model = kerasnb.Sequential(
        [kerasnb.Input((4,)), layers.Dense(3), layers.Dense(2, name="d")], name="m"
    )
    before = model.get_weights()
    path = tmp_path / "a.weights.h5"
    values = {"layers/dense/vars/0": np.ones((4, 3), "f4"), "layers/dense/vars/1": np.ones(3, "f4")}
    values |= {"layers/dense_1/vars/0": np.ones((3, 2), "i4")}
    values |= {"layers/dense_1/vars/1": np.full(2, 1e300)}
    text = "load_weights: a.weights.h5, layers/dense_1/vars/0: it holds int32, where "
    path.write_bytes(hdf5.pack(values))
    with pytest.raises(LoadError) as error:
        model.load_weights(path)
    assert str(error.value) == f"{text}'m/d/kernel' needs float32."
    values["layers/dense_1/vars/0"] = np.ones((3, 2))
    path.write_bytes(hdf5.pack(values))
    with pytest.raises(LoadError, match=r"a value is too large for 'm/d/bias', which is"):
        model.load_weights(path)
    assert all(map(np.array_equal, before, model.get_weights()))
