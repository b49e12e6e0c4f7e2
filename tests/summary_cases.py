"""Models whose `summary()` Keras has printed, made of whichever package they are given."""

from typing import Any

import numpy as np


def small(lib: Any) -> Any:
    layers = lib.layers
    return lib.Sequential(
        [lib.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)], name="net"
    )


def frozen(lib: Any) -> Any:
    model = small(lib)
    model.layers[0].trainable = False
    return model


def fitted(lib: Any) -> Any:
    model = frozen(lib)
    model.compile("adam", "mse")
    model.fit(np.zeros((1, 4)), np.zeros((1, 2)), verbose=0)
    return model


def long_name(lib: Any) -> Any:
    name = "a_very_long_name_that_goes_on_and_on_and_on_for_ever"
    return lib.Sequential([lib.Input((4,)), lib.layers.Dense(3, name=name)], name="long")


def unbuilt(lib: Any) -> Any:
    layers = lib.layers
    return lib.Sequential([layers.Dense(3), layers.Dropout(0.5), layers.Dense(2)], name="unbuilt")


def empty(lib: Any) -> Any:
    return lib.Sequential(name="empty")


def branches(lib: Any) -> Any:
    layers = lib.layers
    a, b = lib.Input((4,), name="a"), lib.Input((6,), name="b")
    both = [layers.Dense(8, name="left")(a), layers.Dense(8, name="right")(b)]
    joined = layers.Concatenate(name="cat")(both)
    skip = layers.Add(name="skip")([joined, joined * 2])
    ends = [layers.Dense(1, name="first")(skip), layers.Dense(3, name="second")(skip)]
    return lib.Model([a, b], ends, name="branches")


def shared(lib: Any) -> Any:
    a, b = lib.Input((4,), name="a"), lib.Input((4,), name="b")
    dense = lib.layers.Dense(5, name="shared")
    return lib.Model([a, b], lib.layers.Add(name="add")([dense(a), dense(b)]), name="shared")


def twice(lib: Any) -> Any:
    a, dense = lib.Input((4,), name="a"), lib.layers.Dense(4, name="again")
    return lib.Model(a, dense(dense(a)), name="twice")


def stack(lib: Any) -> Any:
    layers = lib.layers
    inner = lib.Sequential(
        [lib.Input((4,)), layers.Dense(5, name="one"), layers.Dense(6, name="two")], name="inner"
    )
    return lib.Sequential([lib.Input((4,)), inner, layers.Dense(2, name="head")], name="outer")


def graph_within(lib: Any) -> Any:
    layers = lib.layers
    i = lib.Input((4,), name="in")
    core = lib.Model(i, layers.Dense(4, name="inside")(i) + i, name="core")
    j = lib.Input((4,), name="outside")
    joined = layers.Add(name="join")([core(j), j])
    return lib.Model(j, layers.Dense(1, name="head")(joined), name="around")


def three_deep(lib: Any) -> Any:
    return lib.Sequential([lib.Input((4,)), graph_within(lib)], name="deep")


def ops_in_a_chain(lib: Any) -> Any:
    i = lib.Input((4,), name="in")
    return lib.Model(i, lib.ops.relu(lib.layers.Dense(4, name="dense")(i)) * 3, name="ops")


def several_outputs(lib: Any) -> Any:
    i = lib.Input((5, 4), name="in")
    return lib.Model(i, lib.layers.LSTM(3, return_state=True, name="lstm")(i), name="states")


def written_in_python(lib: Any) -> Any:
    class Python(lib.Model):
        def __init__(self) -> None:
            super().__init__(name="python")
            self.first = lib.layers.Dense(3, name="first")
            self.relu = lib.layers.ReLU(name="relu")
            self.second = lib.layers.Dense(2, name="second")

        def call(self, x: Any) -> Any:
            return self.second(self.relu(self.first(x)))

    return Python()


def called(lib: Any) -> Any:
    model = written_in_python(lib)
    model(np.zeros((1, 4), "float32"))
    return model


# name -> what makes the model, and the arguments of `summary`
CASES = {
    "chain": (small, {}),
    "narrow": (small, {"line_length": 60}),
    "very narrow": (long_name, {"line_length": 40}),
    "positions": (small, {"positions": [0.5, 0.7, 1.0], "show_trainable": True}),
    "range": (small, {"layer_range": ["dense", "batch.*"]}),
    "range upwards": (small, {"layer_range": ["dense_1", "batch"]}),
    "frozen": (frozen, {"show_trainable": True}),
    "fitted": (fitted, {}),
    "long name": (long_name, {}),
    "unbuilt": (unbuilt, {"show_trainable": True}),
    "empty": (empty, {}),
    "branches": (branches, {}),
    "branches, trainable": (branches, {"show_trainable": True, "line_length": 120}),
    "shared": (shared, {}),
    "twice": (twice, {}),
    "folded": (stack, {}),
    "nested": (stack, {"expand_nested": True}),
    "nested graph": (graph_within, {"expand_nested": True}),
    "three deep": (three_deep, {"expand_nested": True, "show_trainable": True}),
    "ops": (ops_in_a_chain, {}),
    "several outputs": (several_outputs, {}),
    "python": (written_in_python, {}),
    "python, called": (called, {}),
}
