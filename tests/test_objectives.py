"""Known values, errors and training of the less usual losses, metrics, optimizers and layers."""

import math

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, losses, metrics, ops, optimizers
from kerasnb.errors import ArgumentError, ShapeError

# Losses


def test_focal_losses_are_crossentropies_without_gamma():
    truth, guess = np.eye(3)[[0, 2]], np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    plain = losses.categorical_crossentropy(truth, guess).numpy()
    focal = losses.categorical_focal_crossentropy(truth, guess, alpha=1.0, gamma=0.0).numpy()
    np.testing.assert_allclose(focal, plain, rtol=1e-6)
    plain = losses.binary_crossentropy(truth, guess).numpy()
    focal = losses.binary_focal_crossentropy(truth, guess, gamma=0.0).numpy()
    np.testing.assert_allclose(focal, plain, rtol=1e-6)


def test_focal_losses_known_values():
    assert float(losses.BinaryFocalCrossentropy()([1.0], [0.8])) == pytest.approx(
        0.2**2 * -math.log(0.8), rel=1e-5
    )
    balanced = losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.25)
    assert float(balanced([0.0], [0.8])) == pytest.approx(0.75 * 0.8**2 * -math.log(0.2), rel=1e-5)
    assert float(losses.CategoricalFocalCrossentropy()([[0, 1]], [[0.4, 0.6]])) == pytest.approx(
        0.25 * 0.4**2 * -math.log(0.6), rel=1e-5
    )
    each = losses.categorical_focal_crossentropy([[0, 1.0]], [[0.4, 0.6]], alpha=[0.1, 0.5])
    assert each.numpy().tolist() == pytest.approx([0.5 * 0.4**2 * -math.log(0.6)], rel=1e-5)


def test_generalized_crossentropy_known_values():
    loss = losses.CategoricalGeneralizedCrossEntropy(q=0.5, reduction=None)
    got = loss([0, 1], [[0.64, 0.36], [0.75, 0.25]]).numpy()
    np.testing.assert_allclose(got, [(1 - 0.8) / 0.5, (1 - 0.5) / 0.5], rtol=1e-5)
    with pytest.raises(ArgumentError) as error:
        losses.CategoricalGeneralizedCrossEntropy(q=1.0)
    assert str(error.value) == (
        "CategoricalGeneralizedCrossEntropy: q must lie between 0 and 1, got 1.0."
    )
    with pytest.raises(ShapeError) as error:
        loss(np.zeros((2, 3)), np.zeros((2, 3)))
    assert str(error.value) == (
        "categorical_generalized_cross_entropy: expected y_true of shape (2,), as y_pred is "
        "(2, 3), got (2, 3). Use categorical_crossentropy for one-hot labels."
    )


def test_overlap_known_values():
    truth, guess = np.array([[1.0, 1, 0, 0]]), np.array([[1.0, 0, 1, 1]])
    assert float(losses.Dice()(truth, guess)) == pytest.approx(1 - 2 / 5, rel=1e-5)
    assert float(losses.Tversky(0.3, 0.7)(truth, guess)) == pytest.approx(
        1 - 1 / (1 + 0.3 * 1 + 0.7 * 2), rel=1e-5
    )
    with pytest.raises(ShapeError, match=r"^dice: expected y_true of the shape of y_pred"):
        losses.Dice()(np.zeros((2, 3)), np.zeros((2, 4)))


def test_circle_without_pairs_is_nothing():
    unit = np.eye(3, dtype="float32")
    assert float(losses.Circle()([0, 1, 2], unit)) == 0
    assert losses.circle([0, 1, 2], unit).numpy().tolist() == [0, 0, 0]
    with pytest.raises(ShapeError) as error:
        losses.circle([0, 1], unit)
    assert str(error.value) == (
        "circle: expected one label a sample and y_pred of shape (batch, features), got (2,) and "
        "(3, 3)."
    )


def paths(labels, probabilities):
    """The probability of all paths that read `labels`, counted one by one."""
    steps, classes = probabilities.shape
    total = 0.0
    for path in np.ndindex(*(classes,) * steps):
        read = [p for i, p in enumerate(path) if p and (i == 0 or path[i - 1] != p)]
        if read == labels:
            total += math.prod(probabilities[i, p] for i, p in enumerate(path))
    return total


@pytest.mark.parametrize("labels", [[1, 2], [1, 1], [2], []])
def test_ctc_is_the_sum_over_all_paths(labels):
    logits = np.random.default_rng(1).standard_normal((1, 4, 3)).astype("float32")
    exact = -math.log(paths(labels, ops.softmax(logits).numpy()[0].astype("float64")))
    padded = np.array([labels + [0] * (3 - len(labels))])
    assert losses.ctc(padded, logits).numpy().item() == pytest.approx(exact, rel=1e-5)


def test_ctc_says_which_shapes_it_wants():
    with pytest.raises(ShapeError) as error:
        losses.ctc(np.zeros((2, 3)), np.zeros((2, 5)))
    assert str(error.value) == (
        "ctc: expected labels of shape (batch, length) and logits of shape (batch, steps, "
        "classes), got (2, 3) and (2, 5)."
    )


def test_ctc_teaches_a_model_to_read():
    words = np.array([[1, 2], [2, 1]])
    x = np.eye(2, dtype="float32")
    model = kerasnb.Sequential([kerasnb.Input((2,)), layers.Dense(12), layers.Reshape((4, 3))])
    model.compile(optimizers.Adam(0.1), losses.CTC())
    history = model.fit(x, words, epochs=60, verbose=0).history["loss"]
    assert history[-1] < 0.1 < history[0]
    read = model.predict(x, verbose=0).argmax(-1)
    assert [[p for i, p in enumerate(r) if p and (i == 0 or r[i - 1] != p)] for r in read] == [
        [1, 2], [2, 1],
    ]  # fmt: skip


NEW_LOSSES = (
    losses.BinaryFocalCrossentropy(gamma=3.0), losses.CategoricalFocalCrossentropy(alpha=0.5),
    losses.CategoricalGeneralizedCrossEntropy(q=0.3), losses.Dice(axis=1), losses.CTC(),
    losses.Tversky(alpha=0.2), losses.Circle(margin=0.1),
)  # fmt: skip


@pytest.mark.parametrize("loss", NEW_LOSSES, ids=lambda loss: loss.name)
def test_losses_come_back_from_their_configuration(loss):
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert callable(losses.get(loss.name))


# Metrics


def test_mean_iou_known_value():
    metric = metrics.MeanIoU(num_classes=2)
    metric.update_state([0, 0, 1, 1], [0, 1, 0, 1], sample_weight=[3, 3, 3, 1])
    # of class 0: 3 of 9; of class 1: 1 of 7
    assert float(metric.result()) == pytest.approx((3 / 9 + 1 / 7) / 2, rel=1e-5)
    assert metric.total_cm.numpy().tolist() == [[3, 3], [3, 1]]
    assert metric.total_cm.dtype == "int32"


def test_iou_warns_of_weights_that_it_cuts():
    metric = metrics.MeanIoU(num_classes=2, name="overlap")
    with pytest.warns(UserWarning, match="^Metric 'overlap' counts in int32, so weights are cut"):
        metric.update_state([0, 1], [0, 1], sample_weight=[0.5, 1.5])
    assert metric.total_cm.numpy().tolist() == [[0, 0], [0, 1]]
    exact = metrics.MeanIoU(num_classes=2, dtype="float32")
    exact.update_state([0, 1], [0, 1], sample_weight=[0.5, 1.5])
    assert exact.total_cm.numpy().tolist() == [[0.5, 0], [0, 1.5]]


def test_iou_errors():
    with pytest.raises(ArgumentError) as error:
        metrics.IoU(num_classes=3, target_class_ids=[0, 3], name="a")
    assert str(error.value) == "a: expected target_class_ids from 0 to 2, got 3."
    with pytest.raises(ShapeError) as error:
        metrics.MeanIoU(3, name="a").update_state([0, 1], np.zeros((2, 3)))
    assert str(error.value) == (
        "Metric 'a': expected as many targets as predictions, got (2,) and (2, 3). For values of "
        "each class give sparse_y_true=False or sparse_y_pred=False."
    )
    with pytest.raises(ShapeError) as error:
        metrics.MeanIoU(3, name="a").update_state([0, 1], [0, 1], [1, 2, 3])
    assert str(error.value) == "Metric 'a': expected sample_weight for 2 places, got (3,)."


def test_f_scores_known_values():
    truth, guess = [[1, 1], [1, 0], [0, 1]], [[0.9, 0.2], [0.2, 0.7], [0.1, 0.6]]
    each = metrics.F1Score(threshold=0.5)(truth, guess).numpy()
    np.testing.assert_allclose(each, [2 / 3, 1 / 2], rtol=1e-5)
    micro = metrics.FBetaScore(average="micro", beta=2.0, threshold=0.5)
    assert float(micro(truth, guess)) == pytest.approx(5 * 2 / (5 * 2 + 4 * 2 + 1), rel=1e-5)
    none = metrics.F1Score()(np.eye(2), np.zeros((2, 2))).numpy()
    assert none.tolist() == [0, 0]  # a row of zeros is for no class


def test_f_score_errors():
    for arguments, text in (
        ({"beta": 0}, "fbeta_score: beta must be a number above 0, got 0."),
        ({"threshold": 1.5}, "fbeta_score: threshold must be above 0 and at most 1, got 1.5."),
        ({"average": "makro"}, "Unknown average of FBetaScore 'makro'. Did you mean 'macro' or "
         "'micro'?"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError) as error:
            metrics.FBetaScore(**arguments)
        assert str(error.value) == text
    with pytest.raises(ShapeError) as error:
        metrics.F1Score().update_state([0, 1], [0.2, 0.3])
    assert str(error.value) == (
        "Metric 'f1_score': expected y_true and y_pred of one shape (batch, classes), got (2,) "
        "and (2,)."
    )


def test_r2_known_values():
    truth, guess = [[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]
    assert float(metrics.R2Score()(truth, guess)) == pytest.approx(1 - 2 / (14 / 3), rel=1e-5)
    adjusted = metrics.R2Score(num_regressors=1)
    assert float(adjusted(truth, guess)) == pytest.approx(1 - (2 / (14 / 3)) * 2 / 1, rel=1e-5)
    few = metrics.R2Score(num_regressors=2)  # as many as there are numbers: the plain score
    assert float(few(truth, guess)) == pytest.approx(1 - 2 / (14 / 3), rel=1e-5)
    assert float(metrics.R2Score()([[2.0], [2.0]], [[2.0], [3.0]])) == 0  # nothing varies
    assert float(metrics.R2Score().result()) == 0
    with pytest.raises(ArgumentError, match=r"^Unknown class_aggregation of R2Score 'uniform'"):
        metrics.R2Score("uniform")
    with pytest.raises(ArgumentError) as error:
        metrics.R2Score(num_regressors=-1)
    assert str(error.value) == "r2_score: num_regressors must be 0 or more, got -1."


def test_correlations_known_values():
    truth = [[0.0, 1.0, 2.0]]
    assert float(metrics.PearsonCorrelation()(truth, [[1.0, 3.0, 5.0]])) == pytest.approx(1)
    assert float(metrics.PearsonCorrelation()(truth, [[5.0, 3.0, 1.0]])) == pytest.approx(-1)
    assert float(metrics.ConcordanceCorrelation()(truth, truth)) == pytest.approx(1)
    # the same line, one higher: 2 (2/3) / (2/3 + 2/3 + 1)
    shifted = metrics.ConcordanceCorrelation()(truth, [[1.0, 2.0, 3.0]])
    assert float(shifted) == pytest.approx(4 / 7, rel=1e-5)


def test_rates_at_rates_known_values():
    truth, guess = [0, 0, 1, 1], [0.0, 0.3, 0.4, 0.9]
    for kind, arguments, expected in (
        ("SensitivityAtSpecificity", {"specificity": 1.0}, 1.0),
        ("SpecificityAtSensitivity", {"sensitivity": 1.0}, 1.0),
        ("PrecisionAtRecall", {"recall": 0.5}, 1.0),
        ("RecallAtPrecision", {"precision": 0.6}, 1.0),
    ):
        assert float(getattr(metrics, kind)(**arguments)(truth, guess)) == expected, kind
    mixed = [0.5, 0.3, 0.4, 0.9]
    assert float(metrics.SensitivityAtSpecificity(1.0)(truth, mixed)) == 0.5
    with pytest.raises(ArgumentError) as error:
        metrics.PrecisionAtRecall(1.5, name="p")
    assert str(error.value) == "p: recall must be a number from 0 to 1, got 1.5."
    with pytest.raises(ArgumentError, match="num_thresholds must be a whole number from 1, got 0"):
        metrics.RecallAtPrecision(0.5, num_thresholds=0)


@pytest.mark.parametrize(
    "name",
    [
        "io_u",
        "binary_io_u",
        "mean_io_u",
        "one_hot_io_u",
        "one_hot_mean_io_u",
        "f1_score",
        "f_beta_score",
        "r2_score",
        "pearson_correlation",
        "concordance_correlation",
        "precision_at_recall",
        "recall_at_precision",
        "sensitivity_at_specificity",
        "specificity_at_sensitivity",
    ],
)
def test_metrics_are_found_by_name(name):
    assert metrics.deserialize(name) is not None


def test_metrics_in_a_compiled_step_are_those_of_an_eager_one():
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 4)).astype("float32"), rng.integers(0, 2, (20, 3)).astype("float32")
    y[:, 0] = rng.random(20)  # no row without variance
    logs = []
    for eager in (False, True):
        kerasnb.utils.set_random_seed(3)
        model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3, activation="sigmoid")])
        model.compile(
            "adam",
            losses.Dice(axis=1),
            metrics=[
                metrics.F1Score(threshold=0.5, average="macro"), metrics.R2Score(),
                metrics.PearsonCorrelation(), metrics.ConcordanceCorrelation(),
                metrics.BinaryIoU(name="iou"), metrics.PrecisionAtRecall(0.5, class_id=1, name="p"),
            ],
            run_eagerly=eager,
        )  # fmt: skip
        logs.append(model.fit(x, y, epochs=2, batch_size=8, verbose=0).history)
    assert logs[0].keys() == logs[1].keys()
    for name, values in logs[0].items():
        np.testing.assert_allclose(values, logs[1][name], rtol=1e-4, err_msg=name)


# Optimizers


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.Adafactor(0.3), lambda: optimizers.Ftrl(0.3),
        lambda: optimizers.Lamb(0.05), lambda: optimizers.Lion(0.01),
        lambda: optimizers.Muon(0.02, weight_decay=None),
        lambda: optimizers.ScheduleFreeAdamW(0.05, warmup_steps=3),
        lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.3), dynamic_growth_steps=4),
    ],
    ids=["Adafactor", "Ftrl", "Lamb", "Lion", "Muon", "ScheduleFreeAdamW", "LossScaleOptimizer"],
)  # fmt: skip
def test_optimizers_learn_compiled_as_eager(make):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((32, 5)).astype("float32")
    y = np.tanh(x @ rng.standard_normal((5, 2))).astype("float32")
    runs = []
    for eager in (False, True):
        kerasnb.utils.set_random_seed(1)
        model = kerasnb.Sequential(
            [kerasnb.Input((5,)), layers.Dense(8, activation="tanh"), layers.Dense(2)]
        )
        model.compile(make(), "mse", run_eagerly=eager)
        runs.append(model.fit(x, y, epochs=6, batch_size=16, verbose=0).history["loss"])
    assert runs[0][-1] < 0.9 * runs[0][0]
    # sums in another order; the sign in Lion and the orthogonal steps of Muon do not amplify it
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-3)


def test_ftrl_makes_weights_exactly_zero():
    weight = kerasnb.Variable([0.01, 0.02])
    optimizer = optimizers.Ftrl(0.1, l1_regularization_strength=5.0)
    optimizer.apply([[0.1, 3.0]], [weight])
    assert weight.numpy().tolist() == [0.0, 0.0]


def test_muon_steps_are_nearly_orthogonal():
    weight = kerasnb.Variable(np.zeros((3, 5), "float32"))
    optimizer = optimizers.Muon(1.0, rms_rate=None, weight_decay=None)
    optimizer.apply([np.random.default_rng(0).standard_normal((3, 5))], [weight])
    stretched = np.linalg.svd(weight.numpy(), compute_uv=False)
    assert np.all((stretched > 0.6) & (stretched < 1.3))  # as far as the polynomial comes


def test_optimizer_errors():
    with pytest.raises(ArgumentError) as error:
        optimizers.Lion(beta_1=0.0, name="lion")
    assert str(error.value) == "lion: beta_1 must be above 0 and at most 1, got 0.0."
    with pytest.raises(ArgumentError) as error:
        optimizers.Ftrl(learning_rate_power=0.5, name="ftrl")
    assert str(error.value) == "ftrl: learning_rate_power must be 0 or less, got 0.5."
    with pytest.raises(ArgumentError) as error:
        optimizers.Ftrl(l2_regularization_strength=-1.0, name="ftrl")
    assert str(error.value) == "ftrl: l2_regularization_strength must be 0 or more, got -1.0."


# Layers


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).standard_normal((200, 500)).astype("float32")
    y = layers.AlphaDropout(0.3, seed=1)(x, training=True).numpy()
    # of 100,000 numbers: the mean is known to 0.003, the variance to 0.005
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.02
    values, counts = np.unique(y, return_counts=True)
    assert counts.max() / y.size == pytest.approx(0.3, abs=0.01)  # the dropped ones are one value
    assert values[counts.argmax()] == y.min() or counts.max() > 20_000
    whole = layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=2)(x, training=True).numpy()
    assert set(np.unique((whole == whole[:, :1]).all(axis=1))) == {False, True}


def test_rms_normalization_known_value():
    y = layers.RMSNormalization(epsilon=0.0)([[3.0, 4.0]]).numpy()
    np.testing.assert_allclose(y, [[3 / 12.5**0.5, 4 / 12.5**0.5]], rtol=1e-6)
    with pytest.raises(ShapeError) as error:
        layers.RMSNormalization(name="a")(kerasnb.Input((None,)))
    assert str(error.value) == (
        "RMSNormalization 'a': the normalised axes must be known, got lengths (None,). Give them "
        "in Input(shape=...)."
    )


def test_spectral_normalization_bounds_the_kernel():
    wrapped = layers.SpectralNormalization(layers.Dense(4), power_iterations=20)
    wrapped.build((None, 6))
    wrapped.layer.kernel.assign(wrapped.layer.kernel * 10.0)
    x = np.random.default_rng(0).standard_normal((5, 6)).astype("float32")
    wrapped(x)
    assert np.linalg.svd(wrapped.layer.kernel.numpy(), compute_uv=False)[0] > 2  # not in inference
    wrapped(x, training=True)
    largest = np.linalg.svd(wrapped.layer.kernel.numpy(), compute_uv=False)[0]
    assert largest == pytest.approx(1, rel=1e-2)


def test_spectral_normalization_trains_and_comes_back():
    x = np.random.default_rng(0).standard_normal((12, 6)).astype("float32")
    model = kerasnb.Sequential(
        [kerasnb.Input((6,)), layers.SpectralNormalization(layers.Dense(4)), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    history = model.fit(x, x[:, :1], epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    again = kerasnb.Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    assert np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))


def test_spectral_normalization_errors():
    with pytest.raises(ArgumentError) as error:
        layers.SpectralNormalization("dense", name="a")
    assert str(error.value) == ("SpectralNormalization 'a': layer must be a layer, got str.")
    with pytest.raises(ArgumentError) as error:
        layers.SpectralNormalization(layers.ReLU(name="b"), name="a").build((None, 3))
    assert str(error.value) == (
        "SpectralNormalization 'a': ReLU 'b' has neither a kernel nor embeddings, so there is "
        "nothing to normalise."
    )
