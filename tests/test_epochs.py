"""How many steps run between two looks at the world."""

import numpy as np

import kerasnb
from kerasnb import layers
from kerasnb.callbacks import Callback
from kerasnb.models.epochs import Pace


def test_the_pace_is_found_step_by_step():
    pace, found = Pace("auto"), []
    for _ in range(6):
        found.append(pace.steps(alone=False))
        pace.took(found[-1], found[-1] * 1e-4)
    assert found == [1, 4, 16, 64, 256, 300]
    pace.took(1, 1e-4)  # the short batch at the end of an epoch
    assert pace.steps(alone=False) == 300
    assert pace.steps(alone=True) == 1
    pace.took(300, 0.3)  # it has become slower
    assert pace.steps(alone=False) == 30
    pace.took(30, 10.0)
    assert pace.steps(alone=False) == 1


def test_a_fixed_pace_stays():
    pace = Pace(3)
    pace.took(3, 10.0)
    assert pace.steps(alone=True) == pace.steps(alone=False) == 3


class Seen(Callback):
    """Notes the batches that it hears of."""

    def __init__(self, every_batch):
        super().__init__()
        self.every_batch, self.begun, self.ended, self.logs = every_batch, [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append(batch)
        self.logs.append(logs["loss"])


def fitted(*callbacks, steps="auto"):
    kerasnb.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(500, 3)).astype("float32")
    model = kerasnb.Sequential([kerasnb.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=steps)
    history = model.fit(x, x[:, :1], batch_size=8, epochs=3, callbacks=list(callbacks), verbose=0)
    return history.history["loss"]


def test_a_callback_hears_of_every_batch_unless_it_need_not():
    every, some = Seen(True), Seen(False)
    losses = fitted(every)
    assert every.begun == every.ended == list(range(63)) * 3
    assert fitted(some) == losses
    assert some.ended[-1] == 62
    assert set(some.ended) <= set(range(63))
    assert [some.logs[i] for i, b in enumerate(some.ended) if b == 62] == losses
    assert every.logs[62::63] == losses


def test_a_number_of_steps_is_kept_to():
    seen = Seen(True)
    assert fitted(seen, steps=20) == fitted()
    assert seen.begun == [0, 20, 40, 60] * 3
    assert seen.ended == [19, 39, 59, 62] * 3
