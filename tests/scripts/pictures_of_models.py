"""A model drawn and described."""

import pathlib
import tempfile

import kerasnb as keras

inputs = keras.Input(shape=(8, 8, 3), name="picture")
x = keras.layers.Conv2D(4, 3, name="see")(inputs)
x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
model = keras.Model(inputs, keras.layers.Dense(2, name="kind")(x), name="small")

lines = []
model.summary(line_length=80, print_fn=lines.append)
text = "\n".join(lines)
assert all(word in text for word in ("small", "see", "mean", "kind", "Total params"))
assert model.count_params() == 3 * 3 * 3 * 4 + 4 + 4 * 2 + 2
assert keras.__version__

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "model.svg"
    try:
        keras.utils.plot_model(model, to_file=str(path), show_shapes=True, show_layer_names=True)
    except ImportError:  # Keras needs Graphviz for it
        assert not path.exists()
    else:
        assert "see" in path.read_text()
