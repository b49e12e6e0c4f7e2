"""The data that a person can choose: variables, sets without a network, CSV."""

import builtins
import json
import re
import sys
import types

import numpy as np
import pytest
from cupy_standin import cupy
from second_backend import gpu  # noqa: F401

import kerasnb
from kerasnb import backends
from kerasnb.errors import ArgumentError, LoadError, MissingDependency
from kerasnb.notebook.builder import data
from kerasnb.notebook.builder.data import SETS, choices, from_csv, load, parse_csv


def refused(error, text, function, *args):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        function(*args)


def variables(**namespace):
    return {c.name: c for c in choices(namespace) if c.source == "variable"}


# Variables


@pytest.mark.parametrize(
    ("value", "shape", "dtype"),
    [
        (np.zeros((5, 3)), (5, 3), "float64"),
        (np.zeros((5, 8, 8, 1), "uint8"), (5, 8, 8, 1), "uint8"),
        (np.array(["a", "b"]), (2,), "text"),
        (np.array(["a", None], object), (2,), "object"),
        ([1, 2, 3], (3,), "int"),
        ([[0.0, 1], [1, 0]], (2, 2), "float"),
        (((True,), (False,)), (2, 1), "bool"),
        (kerasnb.ops.zeros((4, 2)), (4, 2), "float32"),
    ],
)
def test_what_can_be_data_is_offered(value, shape, dtype):
    choice = variables(found=value)["found"]
    assert (choice.shape, choice.dtype, choice.samples) == (shape, dtype, shape[0])


@pytest.mark.parametrize(
    "value",
    [
        3, "text", b"bytes", None, np, np.zeros(()), np.zeros((0, 3)), [], ["a", "b"], {"a": [1]},
        [[1, 2], [3]], [np.zeros(3), np.zeros(3)], [1, None], np.zeros(3, complex), range(5),
        np.array([[None, "a"]], object), np.full(100_001, None), np.array(["2020"], "M8[Y]"),
        kerasnb.Sequential,
    ],
)  # fmt: skip
def test_what_cannot_be_data_is_left_out(value):
    assert variables(found=value) == {}


def test_private_names_and_odd_keys_are_left_out():
    assert choices({"_x": np.zeros(3), 7: np.zeros(3)}) == choices({})


def test_an_object_that_lies_about_its_class_is_left_out():
    class Liar:
        @property
        def __class__(self):
            raise RuntimeError("no")

        def __getattr__(self, name):
            raise RuntimeError("no")

    assert variables(liar=Liar()) == {}


@pytest.mark.usefixtures("gpu")
def test_arrays_of_another_backend_are_offered_and_stay_there():
    backends.get("cupy")
    choice = variables(x=cupy.zeros((6, 2), "float32"))["x"]
    assert (choice.shape, choice.dtype) == ((6, 2), "float32")


def test_tables_of_pandas_are_offered_if_it_was_imported(monkeypatch):
    class Series:
        def __init__(self, shape, dtypes):
            self.shape, self.dtypes = shape, dtypes

    class DataFrame(Series):
        pass

    found = {
        "x": DataFrame((9, 2), ["float64", "float64"]),
        "mixed": DataFrame((9, 2), ["float64", "int64"]),
        "y": Series((9,), "int64"),
    }
    monkeypatch.setitem(sys.modules, "pandas", None)  # it is never imported here
    assert variables(**found) == {}
    module = types.SimpleNamespace(DataFrame=DataFrame, Series=Series)
    monkeypatch.setitem(sys.modules, "pandas", module)
    assert [(c.name, c.dtype, c.targets) for c in variables(**found).values()] == [
        ("x", "float64", "y"), ("mixed", "mixed", ""), ("y", "int64", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "targets", "validation"),
    [
        ("x y", "y", ()),
        ("X y", "y", ()),
        ("X Y", "Y", ()),
        ("images labels", "labels", ()),
        ("features target", "target", ()),
        ("x_train y_train", "y_train", ()),
        ("X_train y_train X_test y_test", "y_train", ("X_test", "y_test")),
        ("train_images train_labels val_images val_labels", "train_labels",
         ("val_images", "val_labels")),
        ("x y x_val y_val", "y", ("x_val", "y_val")),
        ("x_train y_train x_test", "y_train", ()),
        ("x z", "", ()),
        ("x_test y_test x_val y_val", "y_test", ()),
    ],
)  # fmt: skip
def test_names_that_belong_together_are_suggested(names, targets, validation):
    first, *others = names.split()
    found = variables(**{name: np.zeros((4, 2)) for name in [*others, first]})
    assert (found[first].targets, found[first].validation) == (targets, validation)


def test_only_arrays_of_one_length_belong_together():
    assert variables(x=np.zeros(4), y=np.zeros(5))["x"].targets == ""
    found = variables(
        x_train=np.zeros((4, 2)), y_train=np.zeros(4), x_test=np.zeros((3, 9)), y_test=np.zeros(3)
    )
    assert found["x_train"].validation == ()


def test_pairs_come_first_then_variables_then_sets():
    found = choices({"a": np.zeros(3), "y": np.zeros(3), "x": np.zeros(3)})
    assert [c.name for c in found] == ["x", "a", "y", *SETS]


def test_nothing_is_copied():
    value = np.zeros(100_000)
    value.setflags(write=False)
    monkeyed = variables(x=value)
    assert not any(item is value for item in monkeyed["x"])
    json.dumps([choice.data() for choice in choices({"x": value})])


# Sets


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_what_it_says(name):
    found, choice = load(name), next(c for c in choices({}) if c.name == name)
    assert found.x.shape == choice.shape
    assert str(found.x.dtype) == choice.dtype == "float32"
    assert len(found.y) == choice.samples
    assert found.scaling
    if found.task == "number":
        assert found.y.dtype == "float32"
    else:
        assert found.y.dtype == "int32"
        classes = len(np.unique(found.y))
        assert (found.task == "two_classes") == (classes == 2)
        assert found.names is None or len(found.names) == classes
        # shuffled: the end, which is held back for validation, has about as many of each class
        held_back = np.bincount(found.y[-len(found.y) // 4 :], minlength=classes) / len(found.y) * 4
        np.testing.assert_allclose(held_back, np.bincount(found.y) / len(found.y), atol=0.13)
    if found.features is not None:
        assert len(found.features) == found.x.shape[1]
    again = load(name)
    assert (again.x == found.x).all()
    assert (again.y == found.y).all()


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_columns_are_standardized(name):
    x = load(name).x
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)  # of at most 569 float32
    np.testing.assert_allclose(x.std(axis=0), 1, atol=1e-4)


def test_points_and_pixels_are_near_one():
    for name in ("moons", "circles", "spirals", "xor"):
        assert 0.5 < np.abs(load(name).x).max() < 1.3, name
    assert load("digits").x.min() == 0
    assert load("digits").x.max() == 1


def test_points_have_the_form_that_their_name_says():
    found = load("xor")
    assert (((found.x[:, 0] * found.x[:, 1]) < 0) == found.y).all()
    found = load("circles")
    radius = np.linalg.norm(found.x, axis=1)
    assert radius[found.y == 1].max() < radius[found.y == 0].min()


def test_an_unknown_set_is_refused():
    refused(ArgumentError, "Unknown data set 'moon'. Did you mean 'moons'?", load, "moon")


def test_a_set_that_needs_scikit_learn_says_so(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    text = "The data set 'iris' comes with scikit-learn: pip install \"kerasnb[notebook]\""
    refused(MissingDependency, text, load, "iris")
    assert load("xor").task == "two_classes"


# CSV

PLAIN = "length,kind\n1,cat\n2,dog\n3,cat\n"


@pytest.mark.parametrize(
    ("text", "features", "task", "names", "targets"),
    [
        (PLAIN, ["length"], "two_classes", ["cat", "dog"], {1: 0, 2: 1, 3: 0}),
        ("1,cat\n2,dog\n3,cat", ["x0"], "two_classes", ["cat", "dog"], {1: 0, 2: 1, 3: 0}),
        ("\ufeff" + PLAIN.replace("\n", "\r\n"), ["length"], "two_classes", ["cat", "dog"],
         {1: 0, 2: 1, 3: 0}),
        ("Class;a\nx;1,5\ny;2,5\nz;-1e2\n", ["a"], "classes", ["x", "y", "z"],
         {1.5: 0, 2.5: 1, -100: 2}),
        ("a\ttarget\n1\t0.5\n2\t7\n", ["a"], "number", None, {1: 0.5, 2: 7}),
        ("1,0.5\n\n2,1.5\n", ["x0"], "number", None, {1: 0.5, 2: 1.5}),
        ("y,a\n-1,1\n1,2\n-1,3\n1,4\n-1,5\n1,6\n", ["a"], "two_classes", ["-1", "1"],
         {1: 0, 2: 1, 3: 0, 4: 1, 5: 0, 6: 1}),
        ("a,y\n1,3\n2,4\n3,5\n", ["a"], "number", None, {1: 3, 2: 4, 3: 5}),
        ('"a, b",c\n1," x "\n2,y\n', ["a, b"], "two_classes", ["x", "y"], {1: 0, 2: 1}),
        ("1,2.0\n2,2\n3,2.0\n4,7\n5,7\n6,7\n", ["x0"], "two_classes", ["2", "7"],
         {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 1}),
    ],
)  # fmt: skip
def test_a_table_is_read(text, features, task, names, targets):
    found = from_csv(text)
    assert (found.features, found.task, found.names) == (features, task, names)
    values = np.array(sorted(targets), "float64")
    places = ((values - values.mean()) / values.std()).astype("float32")
    order = np.argsort(found.x[:, 0])
    np.testing.assert_allclose(found.x[order, 0], places, rtol=1e-6)
    assert found.y[order].tolist() == [targets[value] for value in sorted(targets)]
    assert found.x.dtype == "float32"
    assert found.y.dtype == ("float32" if names is None else "int32")


def test_columns_of_a_table_are_scaled_and_shuffled():
    rows = np.stack([np.arange(50) * 1000.0, np.full(50, 7.0), np.arange(50) / 2], axis=1)
    found = from_csv("\n".join(",".join(map(str, row)) for row in rows))
    assert found.x.shape == (50, 2)
    np.testing.assert_allclose(found.x.std(axis=0), [1, 0], atol=1e-6)
    assert found.y.tolist() != sorted(found.y.tolist())
    np.testing.assert_allclose(np.argsort(found.x[:, 0]), np.argsort(found.y))


def test_a_file_is_read(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text(PLAIN)
    assert from_csv(path).name == "pets.csv"
    assert from_csv(str(path)).names == ["cat", "dog"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a,b\n1,2\n1\n", "CSV text: row 3 has 1 cell, but the first row has 2."),
        ("a,b,y\n1,2,0\n\n1,,0\n",
         "CSV text: row 4, column 'b': the cell is empty. Fill it, or delete the row."),
        ("a,b,y\n1,red,0\n1,2,0\n",
         "CSV text: row 2, column 'b': expected a number, got text. Only targets may be text: "
         "write numbers for it, or delete the column."),
        ("a,y\n1,0.5\nnan,0\n",
         "CSV text: row 3, column 'a': expected a finite number. Delete the row."),
        ("a,y\n1,0.5\n1e39,0\n",
         "CSV text: row 3, column 'a': expected a finite number. Delete the row."),
        ("a,y\n1,0.5\n2,inf\n",
         "CSV text: row 3, column 'y': expected a finite number. Delete the row."),
        ("a,y\n1,\n", "CSV text: row 2, column 'y': the cell is empty."),
        ("a\n1\n", "CSV text: expected two columns at least, one of them the targets, got one. "
         "Put commas, semicolons or tabs between cells."),
        ("a,y\n1,2\n", "CSV text: expected two rows of numbers at least, got 1."),
        ("a,y\nb,c\n", "CSV text: row 2, column 'a': expected a number, got text. Only targets "
         "may be text: write numbers for it, or delete the column."),
        ("a,y\n1,same\n2,same\n",
         "CSV text: column 'y' is the same in each row: there is nothing to learn."),
        ('a,y\n1,"x\n', "CSV text: row 2 cannot be read: a quotation mark may be missing."),
        ("a,name\n" + "".join(f"{i},n{i}\n" for i in range(30)),
         "CSV text: column 'name' holds 30 different texts in 30 rows, which are hardly classes. "
         "Call the column of the targets 'target'."),
        ("a,y\n" + "".join(f"{i},{'oops' if i == 40 else i / 3}\n" for i in range(60)),
         "CSV text: row 42, column 'y': expected a number, got text. Write a number, as in other "
         "rows, or delete the row."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_said_with_its_place(text, error):
    refused(LoadError, error, from_csv, text)


def test_text_that_names_a_file_opens_none(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text(PLAIN)
    text = (
        "upload: expected two columns at least, one of them the targets, got one. Put commas, "
        "semicolons or tabs between cells."
    )
    refused(LoadError, text, parse_csv, str(path), "upload")


def test_files_that_cannot_be_read_are_refused(tmp_path, monkeypatch):
    nothing = (
        "from_csv: there is no such file that can be read. Pass its path, or the text itself with "
        "more than one line."
    )
    refused(ArgumentError, nothing, from_csv, tmp_path / "none.csv")
    refused(ArgumentError, nothing, from_csv, tmp_path)
    refused(ArgumentError, nothing, from_csv, "a\0b")
    text = "from_csv: expected the text of a table or a path, got ndarray."
    refused(ArgumentError, text, from_csv, np.zeros(3))
    path = tmp_path / "old.csv"
    path.write_bytes(b"a,y\n1,caf\xe9\n")
    refused(LoadError, 'old.csv: it is not UTF-8. Save it as "CSV UTF-8".', from_csv, path)
    monkeypatch.setattr(data, "LARGEST", 2**20)
    path.write_bytes(b"0,1\n" * 2**18 + b"\n")
    refused(LoadError, "old.csv: it has more than 1 MiB.", from_csv, path)
    refused(LoadError, "CSV text: it has more than 1 MiB.", from_csv, "0,1\n" * 2**19)
