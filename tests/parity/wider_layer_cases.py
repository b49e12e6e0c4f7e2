"""Layers once more, so that three configurations or more examine each."""

from __future__ import annotations

from typing import Any

from .case import Case
from .draw import Draw, fixed, real, weight, whole
from .layer_runner import layer
from .record import Record
from .sides import Side
from .value_cases import function

__all__ = ["WIDER_LAYERS"]


def _rows(kind: str, *rows: tuple) -> list[Case]:
    """Rows of a title, a shape or a drawing, and arguments."""
    return [
        layer(
            f"{kind}/{title}",
            lambda k, o=options: getattr(k.layers, kind)(**o),
            x if callable(x) else real(*x),
        )
        for title, x, options in rows
    ]


FIRST = {"data_format": "channels_first"}

WIDER_LAYERS = [
    *_rows(
        "LeakyReLU",
        ("no slope", (2, 3, 5), {"negative_slope": 0.0}),
        ("one", (7,), {"negative_slope": 1.0, "name": "leak"}),
    ),
    *_rows("ELU", ("steep", (2, 3, 5), {"alpha": 2.5, "name": "bent"})),
    *_rows(
        "PReLU",
        ("two axes", (2, 4, 3, 5), {"shared_axes": [1, 2], "alpha_initializer": "ones"}),
        ("regularized", (3, 5), {"alpha_regularizer": "l2", "alpha_constraint": "non_neg"}),
    ),
    *_rows(
        "Identity",
        ("plain", (3, 4), {}),
        ("rank 4", (2, 3, 1, 5), {"name": "same"}),
        ("rank 1", (3,), {"trainable": False}),
    ),
    *_rows(
        "ActivityRegularization",
        ("l1", (3, 4), {"l1": 0.3}),
        ("l2", (2, 3, 5), {"l2": 0.2, "name": "quiet"}),
        ("none", (3, 4), {}),
    ),
    *_rows(
        "Permute",
        ("four", (2, 3, 1, 4, 5), {"dims": (4, 2, 1, 3)}),
        ("one", (2, 3), {"dims": (1,)}),
    ),
    *_rows("RepeatVector", ("5", (3, 1), {"n": 5, "name": "again"})),
    *_rows(
        "UnitNormalization",
        ("axis 1", (2, 3, 4), {"axis": 1}),
        ("channels of images", (2, 3, 2, 5), {"axis": -1, "name": "unit"}),
    ),
    *_rows("Cropping1D", ("pair of nothing", (2, 5, 3), {"cropping": (0, 0)})),
    *_rows(
        "Cropping2D",
        ("one number", (2, 5, 7, 3), {"cropping": 2}),
        ("two numbers", (2, 5, 7, 3), {"cropping": (1, 3)}),
        ("channels first", (2, 3, 5, 7), {"cropping": ((0, 1), (2, 0)), **FIRST}),
    ),
    *_rows("ZeroPadding1D", ("left", (2, 1, 3), {"padding": (2, 0)})),
    *_rows(
        "UpSampling1D",
        ("plain", (2, 3, 5), {}),
        ("1", (2, 3, 2), {"size": 1, "name": "same"}),
    ),
    *_rows("UpSampling2D", ("channels first", (2, 3, 2, 4), {"size": (3, 2), **FIRST})),
    *_rows(
        "MaxPooling3D",
        ("overlap same", (1, 5, 4, 3, 2), {"pool_size": 3, "strides": 1, "padding": "same"}),
        ("channels first", (1, 2, 5, 4, 3), {"pool_size": (2, 1, 3), **FIRST}),
    ),
    *_rows(
        "AveragePooling3D",
        ("plain", (2, 4, 5, 4, 2), {"pool_size": 2}),
        ("channels first", (1, 2, 5, 4, 3), {"pool_size": (2, 1, 3), **FIRST}),
    ),
]
WIDER_LAYERS += [
    case
    for kind in ("GlobalMaxPooling3D", "GlobalAveragePooling3D")
    for case in _rows(
        kind,
        ("without", (2, 3, 1, 2, 3), {}),
        ("kept", (2, 3, 1, 2, 3), {"keepdims": True, "name": "kept"}),
        ("channels first", (2, 3, 2, 1, 4), FIRST),
    )
]
WIDER_LAYERS += [
    # at rest; what is drawn in training is each library's own
    *_rows(
        "GaussianNoise",
        ("rank 3", (2, 3, 5), {"stddev": 0.1}),
        ("seed", (3, 4), {"stddev": 0.9, "seed": 7, "name": "noise"}),
    ),
    *_rows(
        "GaussianDropout",
        ("rank 3", (2, 3, 5), {"rate": 0.1}),
        ("seed", (3, 4), {"rate": 0.9, "seed": 7, "name": "noise"}),
    ),
    *_rows(
        "SpatialDropout1D",
        ("none", (2, 3, 4), {"rate": 0.0}),
        ("seed", (2, 1, 4), {"rate": 0.9, "seed": 3, "name": "drop"}),
    ),
    *_rows(
        "SpatialDropout2D",
        ("none", (2, 3, 1, 4), {"rate": 0.0}),
        ("channels first", (2, 3, 4, 5), {"rate": 0.3, "seed": 3, **FIRST}),
    ),
]
WIDER_LAYERS += [
    *_rows(
        "SeparableConv1D",
        ("strided", (2, 9, 3), {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same"}),
        (
            "everything",
            (1, 7, 2),
            {
                "filters": 3,
                "kernel_size": 2,
                "dilation_rate": 2,
                "depth_multiplier": 3,
                "activation": "tanh",
                "use_bias": False,
                "depthwise_regularizer": "l2",
                "pointwise_regularizer": "l1",
                "pointwise_constraint": "non_neg",
            },
        ),
    ),
    *_rows(
        "SeparableConv2D",
        ("dilated", (2, 7, 6, 2), {"filters": 3, "kernel_size": (3, 2), "dilation_rate": 2}),
        (
            "everything",
            (1, 5, 6, 2),
            {
                "filters": 3,
                "kernel_size": 2,
                "padding": "same",
                "depth_multiplier": 2,
                "activation": "relu",
                "depthwise_initializer": "he_normal",
                "bias_regularizer": "l2",
                "activity_regularizer": "l2",
                "depthwise_constraint": "max_norm",
            },
        ),
        ("channels first", (2, 2, 5, 6), {"filters": 3, "kernel_size": 3, **FIRST}),
    ),
    *_rows(
        "DepthwiseConv1D",
        ("strided", (2, 9, 3), {"kernel_size": 3, "strides": 2, "padding": "same"}),
        ("dilated", (2, 9, 3), {"kernel_size": 2, "dilation_rate": 3, "use_bias": False}),
    ),
    *_rows(
        "Conv3DTranspose",
        ("plain", (1, 2, 3, 2, 3), {"filters": 2, "kernel_size": 2}),
        (
            "same",
            (1, 3, 2, 3, 2),
            {"filters": 3, "kernel_size": (2, 3, 1), "strides": (2, 1, 1), "padding": "same"},
        ),
        (
            "no bias",
            (1, 3, 2, 2, 2),
            {"filters": 1, "kernel_size": 2, "use_bias": False, "kernel_regularizer": "l2"},
        ),
    ),
]

WIDER_LAYERS += [
    layer("Subtract/ranks", lambda k: k.layers.Subtract(), real(2, 3, 4), real(2, 4)),
    layer("Subtract/named", lambda k: k.layers.Subtract(name="less"), real(3, 1), real(3, 5)),
]


def _cell(kind: str, title: str, states: int, **options: Any) -> Case:
    """One step of a cell, with the states it begins with and those it leaves."""

    def step(cell: Any, x: Any, *before: Any) -> list[Any]:
        y, after = cell(x, list(before))
        return [y, *(after if isinstance(after, (list, tuple)) else [after])]

    return layer(
        f"{kind}/{title}",
        lambda k: getattr(k.layers, kind)(3, **options),
        *[real(2, 4), *[real(2, 3)] * states],
        call=step,
    )


WIDER_LAYERS += [
    _cell(kind, title, 1 + (kind == "LSTMCell"), **options)
    for kind in ("SimpleRNNCell", "GRUCell", "LSTMCell")
    for title, options in {
        "step": {},
        "no bias": {"use_bias": False, "activation": "relu"},
        "everything": {
            "kernel_initializer": "he_normal",
            "recurrent_initializer": "glorot_uniform",
            "bias_initializer": "ones",
            "kernel_regularizer": "l2",
            "recurrent_regularizer": "l1",
            "bias_regularizer": "l2",
            "kernel_constraint": "max_norm",
            "recurrent_constraint": "unit_norm",
            "bias_constraint": "non_neg",
            "dropout": 0.2,
            "recurrent_dropout": 0.1,
            "seed": 5,
        },
    }.items()
]
WIDER_LAYERS += [
    _cell("GRUCell", "reset before", 1, reset_after=False, recurrent_activation="hard_sigmoid"),
    _cell("LSTMCell", "no forget bias", 2, unit_forget_bias=False, recurrent_activation="tanh"),
]


def _function(name: str, title: str, *inputs: Draw, **options: Any) -> Case:
    return function(
        f"functions/{name}/{title}", lambda k, *xs: getattr(k.layers, name)(xs, **options), *inputs
    )


WIDER_LAYERS += [
    case
    for name in ("add", "average", "maximum", "minimum", "multiply", "subtract")
    for case in (
        _function(name, "broadcast", real(2, 3, 4), real(2, 1, 4)),
        _function(name, "ranks", real(2, 3, 4), real(2, 4)),
    )
]
WIDER_LAYERS += [
    _function("concatenate", "three", real(2, 1, 3), real(2, 4, 3), real(2, 2, 3), axis=-2),
    _function("dot", "matrices", real(2, 3, 4), real(2, 4, 5), axes=(2, 1)),
]


def _input(title: str, **options: Any) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        made = side.keras.Input(**options)
        record.facts["tensor"] = [list(made.shape), side.dtype(made)]
        one = side.keras.layers.InputLayer(**options)
        record.facts["config"] = one.get_config()
        record.facts["restored"] = type(one).from_config(one.get_config()).get_config()
        # through a model, where the shape and the type of what is given meet the layer's
        model = side.keras.Model(made, made * 2)
        x = whole(3, *made.shape[1:], high=9, dtype=options.get("dtype", "float32"))(rng)
        record.values["twice"] = side.array(model(side.tensor(x)))

    return Case(f"layers/Input/{title}", run)


WIDER_LAYERS += [
    _input("one", shape=(3,), name="one"),
    _input("batch of three", shape=(4, 2), batch_size=3, name="three"),
    _input("whole numbers", shape=(5,), dtype="int32", name="words"),
]


def _custom_layer(k: Any) -> type:
    class Blend(k.layers.Layer):
        """A mix of the input and its projection, with a loss and a moving mean of its own."""

        def __init__(self, share: float = 0.5, **kwargs: Any):
            super().__init__(**kwargs)
            self.share = share
            self.project = None

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(
                shape=(shape[-1], shape[-1]), initializer="he_normal", name="kernel"
            )
            self.shift = self.add_weight(
                shape=(shape[-1],), initializer="zeros", regularizer="l2", name="shift"
            )
            self.seen = self.add_weight(shape=(), trainable=False, name="seen", initializer="zeros")
            self.project = k.layers.Dense(shape[-1], activation="tanh", name="project")
            self.project.build(shape)

        def call(self, x: Any) -> Any:
            self.seen.assign(self.seen + 1.0)
            y = k.ops.matmul(x, self.kernel) + self.shift
            self.add_loss(0.1 * k.ops.mean(y * y))
            return self.share * self.project(y) + (1 - self.share) * x

        def get_config(self) -> dict:
            return {**super().get_config(), "share": self.share}

    return Blend


WIDER_LAYERS += [
    layer(
        f"Layer/{title}",
        lambda k, o=options: _custom_layer(k)(**o),
        x,
        symbolic=False,
    )
    for title, x, options in (
        ("own", real(3, 4), {}),
        ("own rank 3", real(2, 3, 5), {"share": 0.2, "name": "blend"}),
        ("own frozen", real(2, 1), {"share": 0.9, "trainable": False}),
        ("own of given numbers", fixed([[0.0, -1.0], [2.0, 3.0]]), {"share": 1.0}),
    )
]


def _sequential(title: str, shape: tuple[int, ...], make: Any, config: bool = True) -> Case:
    """A stack: what it gives for given weights, its weights' names and its configuration."""

    def run(side: Side, rng: Any, record: Record) -> None:
        model = side.keras.Sequential(make(side.keras), name="stack")
        model.build((None, *shape[1:]))
        x = side.tensor(real(*shape)(rng))
        model.set_weights([weight(rng, w.name, tuple(w.shape)) for w in model.weights])
        record.values["output"] = side.array(model(x))
        record.values["training"] = side.array(model(x, training=True))
        record.facts["weights"] = [[w.name, list(w.shape), w.trainable] for w in model.weights]
        record.facts["paths"] = [w.path for w in model.weights]
        record.facts["layers"] = [type(one).__name__ for one in model.layers]
        record.facts["shapes"] = [list(model.input_shape), list(model.output_shape)]
        if config:
            record.facts["config"] = model.get_config()
        again = type(model).from_config(model.get_config())
        record.facts["restored"] = [list(w.shape) for w in again.weights]

    return Case(f"keras/Sequential/{title}", run)


WIDER_LAYERS += [
    _sequential(
        "shape known",
        (3, 5),
        lambda k: [k.Input((5,)), k.layers.Dense(4, "relu", name="a"), k.layers.Dense(1, name="b")],
    ),
    _sequential(
        "shape told later",
        (2, 6, 5, 3),
        lambda k: [
            k.layers.Conv2D(2, 3, name="see"),
            k.layers.BatchNormalization(name="even"),
            k.layers.GlobalAveragePooling2D(name="flat"),
            k.layers.Dense(3, "softmax", name="kind"),
        ],
    ),
    _sequential(
        "nested",
        (2, 7, 3),
        lambda k: [
            k.Input((7, 3)),
            k.Sequential(
                [k.Input((7, 3)), k.layers.GRU(4, return_sequences=True, name="read")], name="inner"
            ),
            k.layers.GlobalMaxPooling1D(name="most"),
        ],
        config=False,  # Keras writes how the inner model is built and compiled, too
    ),
]


def _holder(k: Any) -> Any:
    class Block(k.layers.Layer):
        """Layers and a stack that are built when the block is called first."""

        def __init__(self, **kwargs: Any):
            super().__init__(**kwargs)
            self.stack = k.Sequential(
                [k.layers.Dense(3, "relu", name="wide"), k.layers.Dense(2, name="out")], name="ffn"
            )
            self.norm = k.layers.LayerNormalization(name="norm")

        def call(self, x: Any) -> Any:
            return self.norm(self.stack(x))

    return Block(name="block")


def _built_inside(title: str, symbolic: bool) -> Case:
    """A stack within a layer, built by a call on an input of a model, or on numbers."""

    def run(side: Side, rng: Any, record: Record) -> None:
        block, x = _holder(side.keras), side.tensor(real(5, 4)(rng))
        block(side.keras.Input((4,)) if symbolic else x)
        block.set_weights([weight(rng, w.name, tuple(w.shape)) for w in block.weights])
        record.values["output"] = side.array(block(x))
        record.facts["paths"] = [w.path for w in block.weights]

    return Case(f"keras/Sequential/{title}", run)


WIDER_LAYERS += [
    _built_inside("built inside a layer", symbolic=False),
    _built_inside("built inside a layer of a model", symbolic=True),
]
