"""Defining models: Sequential, functional with branches and several ends, nested, subclassed."""

import copy
import pickle

import numpy as np
import pytest

import kerasnb
from kerasnb import backends, layers, ops
from kerasnb.errors import ArgumentError, GraphError, ShapeError
from kerasnb.variable import weightless

RNG = np.random.default_rng(0)


def data(*shape):
    return RNG.normal(size=shape).astype("float32")


def dense_by_hand(x, layer):
    return x @ layer.kernel.numpy() + layer.bias.numpy()


def test_sequential_is_its_layers_one_after_the_other():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3, "relu"), layers.Dense(2)])
    x = data(5, 4)
    hidden = np.maximum(dense_by_hand(x, model.layers[0]), 0)
    np.testing.assert_allclose(model(x), dense_by_hand(hidden, model.layers[1]), rtol=1e-5)
    assert model.output_shape == (None, 2)
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2


def test_sequential_grows_and_shrinks():
    model = kerasnb.Sequential()
    model.add(kerasnb.Input((4,)))
    model.add(layers.Dense(3))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    assert isinstance(model.pop(), layers.Dense)
    assert model.output_shape == (None, 3)


def test_sequential_waits_for_its_first_data():
    model = kerasnb.Sequential([layers.Dense(3), layers.Dense(2)])
    assert not model.built
    with pytest.raises(GraphError) as caught:
        model.count_params()
    assert "has no weights yet" in str(caught.value)
    assert model(data(5, 4)).shape == (5, 2)
    assert len(model.weights) == 4


def test_sequential_takes_the_input_shape_of_keras_1():
    model = kerasnb.Sequential([layers.Dense(3, input_shape=(4,))])
    assert model.input_shape == (None, 4)


def test_branches_merge():
    inputs = kerasnb.Input((4,))
    left, right = layers.Dense(3), layers.Dense(3)
    model = kerasnb.Model(inputs, layers.add([left(inputs), right(inputs)]))
    x = data(5, 4)
    np.testing.assert_allclose(
        model(x), dense_by_hand(x, left) + dense_by_hand(x, right), rtol=1e-5, atol=1e-6
    )


def test_a_shared_layer_has_one_set_of_weights():
    a, b = kerasnb.Input((4,), name="a"), kerasnb.Input((4,), name="b")
    shared = layers.Dense(3)
    model = kerasnb.Model([a, b], layers.concatenate([shared(a), shared(b)]))
    assert len(model.trainable_weights) == 2
    xa, xb = data(2, 4), data(2, 4)
    expected = np.concatenate([dense_by_hand(xa, shared), dense_by_hand(xb, shared)], 1)
    np.testing.assert_allclose(model([xa, xb]), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model({"a": xa, "b": xb}), expected, rtol=1e-5, atol=1e-6)


def test_dictionaries_of_inputs_and_outputs():
    inputs = {"a": kerasnb.Input((4,)), "b": kerasnb.Input((2,))}
    outputs = {"sum": layers.Dense(1)(inputs["a"]), "copy": layers.Dense(2)(inputs["b"])}
    model = kerasnb.Model(inputs, outputs)
    result = model({"a": data(3, 4), "b": data(3, 2)})
    assert {k: v.shape for k, v in result.items()} == {"sum": (3, 1), "copy": (3, 2)}
    assert model.output_names == ["copy", "sum"]


def test_ops_on_symbolic_tensors_are_part_of_the_model():
    inputs = kerasnb.Input((4, 6))
    x = ops.reshape(inputs * 2.0 + 1.0, (-1, 24))
    model = kerasnb.Model(inputs, ops.mean(x, axis=1, keepdims=True))
    x = data(3, 4, 6)
    np.testing.assert_allclose(
        model(x), (2 * x + 1).reshape(3, 24).mean(1, keepdims=True), rtol=1e-5, atol=1e-6
    )


def test_models_nest():
    inner = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3)], name="inner")
    inputs = kerasnb.Input((4,))
    model = kerasnb.Model(inputs, layers.Dense(2)(inner(inputs)))
    assert model.get_layer("inner") is inner
    assert len(model.weights) == 4
    stack = kerasnb.Sequential([inner, layers.Dense(2)])
    assert stack(data(5, 4)).shape == (5, 2)


class Branchy(kerasnb.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(4, "tanh") for _ in range(2)]
        self.head = layers.Dense(1)
        self.drop = layers.Dropout(0.5)

    def call(self, inputs, training=False):
        for block in self.blocks:
            inputs = inputs + block(inputs)
        return self.head(self.drop(inputs, training=training))


def test_a_subclassed_model_finds_layers_in_lists():
    model = Branchy()
    assert model(data(3, 4)).shape == (3, 1)
    assert len(model.weights) == 6
    assert len(model.layers) == 4


def test_training_reaches_the_layers_within():
    model = Branchy()
    x = data(64, 4)
    np.testing.assert_array_equal(model(x), model(x, training=False))
    assert not np.array_equal(model(x, training=True), model(x, training=True))


class Scale(kerasnb.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs):
        return inputs * self.factor


def test_a_custom_layer_in_a_functional_model():
    inputs = kerasnb.Input((4,))
    layer = Scale()
    model = kerasnb.Model(inputs, layer(inputs))
    layer.set_weights([np.array([1, 2, 3, 4], "float32")])
    np.testing.assert_array_equal(model(np.ones((1, 4), "float32")), [[1, 2, 3, 4]])
    assert layer.factor.path.endswith("/factor")


class UsesItsShape(kerasnb.Layer):
    """Computes with the batch size, which is not known while the model is built."""

    def call(self, inputs):
        return ops.reshape(inputs, (inputs.shape[0] * 2, 2))


def test_a_layer_that_computes_with_the_batch_size():
    inputs = kerasnb.Input((4,))
    outputs = UsesItsShape()(inputs)
    assert outputs.shape == (None, 2)
    assert kerasnb.Model(inputs, outputs)(data(3, 4)).shape == (6, 2)


def test_trainable_false_freezes_a_layer_and_all_within():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2
    assert len(model.non_trainable_weights) == 2
    model.trainable = False
    assert model.trainable_weights == []
    model.trainable = True
    assert len(model.trainable_weights) == 4


def test_get_and_set_weights():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3)])
    values = [data(4, 3), data(3)]
    model.set_weights(values)
    for a, b in zip(model.get_weights(), values, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ShapeError) as caught:
        model.set_weights([data(3, 4), data(3)])
    assert str(caught.value).endswith("expected shape (4, 3), got (3, 4).")
    np.testing.assert_array_equal(model.get_weights()[1], values[1])


def test_layer_names_count_on():
    kerasnb.backend.clear_session()
    assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]


def test_compute_output_shape():
    assert layers.Dense(3).compute_output_shape((None, 4)) == (None, 3)
    assert layers.Dense(3).compute_output_shape((2, 5, 4)) == (2, 5, 3)


def test_weights_survive_a_file(tmp_path):
    def make():
        return kerasnb.Sequential(
            [kerasnb.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)]
        )

    first, second = make(), make()
    first.save_weights(tmp_path / "a.weights.h5")
    second.load_weights(tmp_path / "a.weights.h5")
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [p.name for p in tmp_path.iterdir()] == ["a.weights.h5"]


# Errors: each text whole


def test_wrong_input_shape_names_model_and_input():
    model = kerasnb.Model(
        inp := kerasnb.Input((4,), name="features"), layers.Dense(2)(inp), name="net"
    )
    with pytest.raises(ShapeError) as caught:
        model(data(3, 5))
    assert str(caught.value) == (
        "Model 'net', input 'features': expected shape (None, 4), got (3, 5)."
    )


def test_missing_input_is_named():
    a, b = kerasnb.Input((1,), name="a"), kerasnb.Input((1,), name="b")
    model = kerasnb.Model([a, b], layers.add([a, b]), name="net")
    with pytest.raises(ArgumentError) as caught:
        model({"a": data(2, 1)})
    assert str(caught.value) == "Model 'net': expected inputs named ['a', 'b'], got ['a']."
    with pytest.raises(ArgumentError) as caught:
        model([data(2, 1)])
    assert str(caught.value) == "Model 'net': expected 2 inputs (a, b), got 1."


def test_disconnected_graphs():
    a, b = kerasnb.Input((1,), name="a"), kerasnb.Input((1,), name="b")
    merged = layers.Add(name="merge")([a, b])
    with pytest.raises(GraphError) as caught:
        kerasnb.Model(a, merged, name="net")
    assert str(caught.value) == (
        "Model 'net' is disconnected: layer 'merge' needs the input 'b' f32[?,1], which is not "
        "among "
        "inputs. Add it to inputs."
    )
    with pytest.raises(GraphError) as caught:
        kerasnb.Model([a, b], layers.Dense(1)(a), name="net")
    assert str(caught.value) == "Model 'net' is disconnected: no output depends on the input 'b'."
    with pytest.raises(GraphError) as caught:
        kerasnb.Model(a, b, name="net")
    assert str(caught.value) == (
        "Model 'net' is disconnected: an output f32[?,1] does not depend on the inputs."
    )


def test_a_model_that_contains_itself_is_refused():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(4)], name="loop")
    with pytest.raises(GraphError) as caught:
        model.add(model)
    assert str(caught.value) == "Sequential 'loop': a model cannot contain itself (a cycle)."


def test_values_where_symbolic_tensors_are_needed():
    inputs = kerasnb.Input((4,))
    with pytest.raises(GraphError) as caught:
        kerasnb.Model(np.ones((1, 4)), inputs, name="net")
    assert str(caught.value) == (
        "Model 'net': expected inputs made by Input and layers, got ndarray."
    )


def test_two_layers_of_one_name():
    inputs = kerasnb.Input((4,))
    x = layers.Dense(4, name="same")(inputs)
    with pytest.raises(ArgumentError) as caught:
        kerasnb.Model(inputs, layers.Dense(4, name="same")(x), name="net")
    assert str(caught.value) == "Model 'net': two layers are named 'same'. Give each its own name."
    with pytest.raises(ArgumentError) as caught:
        kerasnb.Sequential([layers.Dense(4, name="same"), layers.Dense(4, name="same")], name="s")
    assert str(caught.value) == (
        "Sequential 's': a layer named 'same' is there already. Give each its own name."
    )


def test_input_without_a_tuple():
    with pytest.raises(ArgumentError) as caught:
        kerasnb.Input(4)
    assert str(caught.value) == "Input: expected a tuple such as (4,), got 4."


def test_what_is_no_layer():
    with pytest.raises(ArgumentError) as caught:
        kerasnb.Sequential([kerasnb.Input((4,)), "dense"], name="s")
    assert str(caught.value) == "Sequential 's': expected a layer, got str."


def test_forgotten_super_init():
    class Forgetful(kerasnb.Layer):
        def __init__(self):
            self.units = 3

        def call(self, inputs):
            return inputs

    with pytest.raises(GraphError) as caught:
        Forgetful()(data(2, 2))
    assert str(caught.value) == (
        "Forgetful.__init__ must call super().__init__() before the layer is used."
    )


def test_unknown_layer_argument():
    with pytest.raises(ArgumentError) as caught:
        layers.Flatten(shape=(3,))
    assert str(caught.value) == ("Unknown argument of Flatten: 'shape'. Known: data_format.")
    with pytest.raises(ArgumentError) as caught:
        layers.Dense(3, activaton="relu")
    assert str(caught.value) == (
        "Unknown argument of Dense: 'activaton'. Did you mean 'activation'?"
    )


def test_unknown_layer_name():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(4, name="only")], name="s")
    with pytest.raises(ArgumentError) as caught:
        model.get_layer("none")
    assert str(caught.value) == "get_layer: model 's' has no layer named 'none'. It has only."


def test_loading_weights_of_another_model(tmp_path):
    one = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3, name="d")])
    two = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(5, name="d")], name="two")
    one.save_weights(tmp_path / "a.weights.h5")
    before = two.get_weights()
    with pytest.raises(kerasnb.errors.LoadError) as caught:
        two.load_weights(tmp_path / "a.weights.h5")
    assert str(caught.value) == (
        "load_weights: a.weights.h5: it holds shape (4, 3) at 'layers/dense/vars/0', where "
        "'two/d/kernel' needs shape (4, 5)."
    )
    np.testing.assert_array_equal(two.get_weights()[0], before[0])


# Configurations


def branched():
    a, b = kerasnb.Input((4,), name="a"), kerasnb.Input((4,), name="b")
    shared = layers.Dense(3, activation="relu", name="shared")
    inner = kerasnb.Sequential([kerasnb.Input((6,)), layers.Dense(2, name="deep")], name="inner")
    joined = layers.Concatenate(name="join")([shared(a), shared(b)])
    return kerasnb.Model([a, b], {"out": inner(joined)}, name="net")


def test_a_model_comes_back_from_its_json():
    model = branched()
    text = model.to_json()
    again = kerasnb.models.model_from_json(text)
    assert again.to_json() == text
    again.set_weights(model.get_weights())
    x = [data(2, 4), data(2, 4)]
    np.testing.assert_array_equal(model(x)["out"], again(x)["out"])


def test_a_clone_has_weights_of_its_own():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3), layers.Dropout(0.3)])
    clone = kerasnb.models.clone_model(model)
    assert [w.shape for w in clone.get_weights()] == [(4, 3), (3,)]
    assert not np.array_equal(model.get_weights()[0], clone.get_weights()[0])


def test_a_configuration_makes_only_listed_classes():
    text = branched().to_json().replace('"Concatenate"', '"Concatenated"')
    with pytest.raises(ArgumentError) as caught:
        kerasnb.models.model_from_json(text)
    assert str(caught.value) == "Unknown layer 'Concatenated'. Did you mean 'Concatenate'?"


def test_a_circular_configuration_is_refused():
    text = (
        branched()
        .to_json()
        .replace('"keras_history": ["a", 0, 0]', '"keras_history": ["join", 0, 0]')
    )
    with pytest.raises(kerasnb.errors.LoadError) as caught:
        kerasnb.models.model_from_json(text)
    assert str(caught.value) == (
        "The layers inner, join, shared read tensors that no layer before them makes."
    )


# What Keras users type


def test_a_model_up_to_a_layer_gives_its_features():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3, "relu"), layers.Dense(2)])
    features = kerasnb.Model(model.input, model.layers[0].output)
    x = data(5, 4)
    np.testing.assert_array_equal(features(x), model.layers[0](x))
    assert features.weights[0] is model.weights[0]


def test_a_shared_layer_has_no_single_output():
    a, b = kerasnb.Input((4,)), kerasnb.Input((4,))
    shared = layers.Dense(3, name="shared")
    shared(a), shared(b)
    with pytest.raises(GraphError) as caught:
        shared.output  # noqa: B018
    assert str(caught.value) == (
        "Dense 'shared' was called 2 times on symbolic tensors, so it has no single input and "
        "output. "
        "Keep the tensor that the call gave."
    )


class OwnStep(kerasnb.Model):
    def test_step(self, data):
        return {"answer": ops.mean(self(data[0]))}


class OwnInit(kerasnb.Model):
    def __init__(self, units):
        inputs = kerasnb.Input((4,))
        super().__init__(inputs=inputs, outputs=layers.Dense(units)(inputs))


def test_a_subclass_can_be_made_of_a_graph():
    inputs = kerasnb.Input((4,))
    model = OwnStep(inputs, layers.Dense(1, kernel_initializer="ones")(inputs))
    model.compile("sgd", "mse")
    x = np.ones((3, 4), "f4")
    assert model.evaluate(x, np.ones((3, 1)), verbose=0) == pytest.approx(4.0)
    assert isinstance(model, OwnStep)
    assert type(model).__name__ == "OwnStep"
    assert OwnInit(5).output_shape == (None, 5)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.Dense(2, input_dim=4),
        lambda: layers.Dense(2, batch_input_shape=(None, 4)),
        lambda: layers.Embedding(9, 2, input_length=4),
    ],
)
def test_input_shapes_as_older_keras_took_them(layer):
    assert kerasnb.Sequential([layer()]).input_shape == (None, 4)


def test_a_class_in_place_of_a_layer():
    with pytest.raises(ArgumentError) as caught:
        kerasnb.Sequential([layers.Flatten], name="s")
    assert str(caught.value) == (
        "Sequential 's': expected a layer, got the class Flatten; write Flatten(...)."
    )


def test_loading_weights_from_a_file_that_is_not_there(tmp_path):
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3)])
    with pytest.raises(kerasnb.errors.LoadError) as caught:
        model.load_weights(tmp_path / "none.weights.h5")
    assert str(caught.value) == f"load_weights: there is no file {tmp_path / 'none.weights.h5'}."


def test_a_mean_over_the_unknown_batch():
    inputs = kerasnb.Input((3,))
    model = kerasnb.Model(inputs, inputs - ops.mean(inputs, axis=0, keepdims=True))
    x = data(20, 3)
    np.testing.assert_allclose(model(x), x - x.mean(0), rtol=1e-5, atol=1e-6)


def test_likes_of_a_symbolic_tensor():
    inputs = kerasnb.Input((3,))
    model = kerasnb.Model(inputs, ops.ones_like(inputs) + ops.zeros_like(inputs))
    np.testing.assert_array_equal(model(np.full((2, 3), np.nan, "f4")), np.ones((2, 3)))


def test_a_variable_in_a_functional_model_stays_a_variable():
    factor = kerasnb.Variable(2.0)
    inputs = kerasnb.Input((3,))
    model = kerasnb.Model(inputs, inputs * factor)
    factor.assign(5.0)
    np.testing.assert_array_equal(model(np.ones((1, 3), "f4")), np.full((1, 3), 5.0))


def test_unfreezing_does_not_free_what_was_never_trainable():
    class Counter(kerasnb.Layer):
        def __init__(self):
            super().__init__()
            self.weight = kerasnb.Variable(1.0)
            self.count = kerasnb.Variable(2.0, trainable=False)

        def call(self, inputs):
            return inputs * self.weight

    layer = Counter()
    layer.trainable = False
    assert [float(w) for w in layer.weights] == [1.0, 2.0]
    layer.trainable = True
    assert [v.trainable for v in layer.weights] == [True, False]


class InDictionaries(kerasnb.Layer):
    def __init__(self):
        super().__init__()
        self.parts = {"x": {"y": [layers.Dense(3), (layers.Dense(3),)]}}

    def call(self, inputs):
        first, (second,) = self.parts["x"]["y"]
        return second(first(inputs))


def test_weights_in_dictionaries_survive_a_file(tmp_path):
    inputs = kerasnb.Input((3,))
    models = [kerasnb.Model(inputs, InDictionaries()(inputs)) for _ in range(2)]
    models[0].save_weights(tmp_path / "a.weights.h5")
    models[1].load_weights(tmp_path / "a.weights.h5")
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_trained_model_can_be_copied_and_pickled():
    inputs = kerasnb.Input((3,))
    model = kerasnb.Model(inputs, layers.Dense(1)(inputs) * 2.0)
    model.compile("adam", "mse")
    x, y = data(8, 3), data(8, 1)
    model.fit(x, y, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other(x), model(x))
        other.fit(x, y, verbose=0)
        assert not np.array_equal(other(x), model(x))


def test_a_weightless_layer_tells_its_sizes_and_takes_no_memory():
    with weightless():
        layer = layers.Dense(10**9, kernel_initializer="zeros")
        layer.build((None, 10**6))
    assert layer.kernel.shape == (10**6, 10**9)
    assert layer.kernel.value.data.strides == (0, 0)
    # a switch of the backend leaves it where it is
    assert all(variable is not layer.kernel for variable in backends.live)
    with weightless(), pytest.raises(ShapeError) as error:
        layers.Dense(10**18).build((None, 10**6))
    assert str(error.value) == (
        "Variable 'kernel' cannot have the shape (1000000, 1000000000000000000)."
    )
    assert layers.Dense(2)(data(1, 3)).shape == (1, 2)  # real ones again
