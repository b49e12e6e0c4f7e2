"""Callbacks that write files or send something: backups, TensorBoard, a server; and averages."""

import json
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest

import kerasnb
from kerasnb import callbacks, layers, optimizers
from kerasnb.callbacks import tensorboard
from kerasnb.errors import ArgumentError, LoadError, MissingDependency


def data(count=70):
    x = np.random.default_rng(0).standard_normal((count, 6)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32")


def model(optimizer=None):
    kerasnb.utils.set_random_seed(7)
    made = kerasnb.Sequential(
        [
            kerasnb.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    made.compile(
        optimizer or optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return made


class PowerCut(callbacks.Callback):
    """Fails after a step of an epoch."""

    def __init__(self, epoch, step):
        super().__init__()
        self.place = (epoch, step)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            raise RuntimeError("power cut")


def train(made, *more, **options):
    options = {"epochs": 4, "batch_size": 16, "verbose": 0, **options}
    return made.fit(*data(), callbacks=list(more), **options)


@pytest.fixture(scope="module")
def whole():
    """A training that was not interrupted."""
    made = model()
    return train(made).history, made.get_weights()


@pytest.mark.parametrize(
    ("frequency", "cut", "epochs"),
    [
        ("epoch", (2, 3), [2, 3]),
        ("epoch", (0, 1), [0, 1, 2, 3]),  # nothing was kept yet
        (2, (2, 3), [2, 3]),  # in the middle of an epoch
        (1, (1, 4), [1, 2, 3]),  # after the last step of an epoch
        (7, (3, 4), [2, 3]),
    ],
)
def test_an_interrupted_training_ends_like_a_whole_one(tmp_path, whole, frequency, cut, epochs):
    folder = tmp_path / "backup"
    with pytest.raises(RuntimeError, match="power cut"):
        train(model(), callbacks.BackupAndRestore(folder, frequency), PowerCut(*cut))
    made = model()
    history = train(made, callbacks.BackupAndRestore(folder, frequency))
    assert history.epoch == epochs
    for name, values in whole[0].items():
        assert history.history[name] == values[epochs[0] :], name
    assert all(map(np.array_equal, made.get_weights(), whole[1]))
    assert not folder.exists()  # it is at its end


def test_a_finished_part_goes_on_with_more_epochs(tmp_path, whole):
    keeping = {"delete_checkpoint": False}
    train(model(), callbacks.BackupAndRestore(tmp_path, **keeping), epochs=2)
    assert [p.name for p in tmp_path.iterdir()] == ["latest.weights.h5"]
    made = model()
    history = train(made, callbacks.BackupAndRestore(tmp_path, **keeping))
    assert history.epoch == [2, 3]
    assert all(map(np.array_equal, made.get_weights(), whole[1]))
    assert train(model(), callbacks.BackupAndRestore(tmp_path)).epoch == []


def test_a_backup_is_a_file_of_weights_too(tmp_path, whole):
    train(model(), callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    made = model()
    made.load_weights(tmp_path / "latest.weights.h5")
    assert all(map(np.array_equal, made.get_weights(), whole[1]))


def test_stop_keeps_the_backup_and_a_callback_that_stops_does_not(tmp_path):
    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.act()

    class ByUser(Stop):
        def act(self):
            self.model.current_training.stop()

    class ByItself(Stop):
        def act(self):
            self.model.stop_training = True

    train(model(), callbacks.BackupAndRestore(tmp_path), ByUser())
    assert (tmp_path / "latest.weights.h5").exists()
    train(model(), callbacks.BackupAndRestore(tmp_path / "b"), ByItself())
    assert not (tmp_path / "b").exists()


def test_a_file_of_others_stays_in_the_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    train(model(), callbacks.BackupAndRestore(tmp_path), epochs=1)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_the_backup_before_the_newest_helps_out(tmp_path):
    double = {"double_checkpoint": True, "delete_checkpoint": False}
    train(model(), callbacks.BackupAndRestore(tmp_path, **double), epochs=3)
    newest, before = tmp_path / "latest.weights.h5", tmp_path / "latest.weights.h5.bkp"
    assert newest.exists()
    assert before.exists()
    newest.write_bytes(b"half a file")
    with pytest.warns(UserWarning, match=r"cannot be read.*The backup before it is used\.$"):
        history = train(model(), callbacks.BackupAndRestore(tmp_path))
    assert history.epoch == [2, 3]


def test_a_backup_of_another_model_is_refused(tmp_path):
    train(model(), callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False), epochs=1)
    other = model(optimizers.Adam(0.01, amsgrad=True))
    before = other.get_weights()
    with pytest.raises(LoadError) as error:
        train(other, callbacks.BackupAndRestore(tmp_path))
    assert str(error.value) == (
        f"{tmp_path}/latest.weights.h5 holds nothing at 'optimizer/vars/14', where "
        "'adam/dense_velocity_hat' needs shape (6, 8): it is of another model, optimizer or list "
        "of metrics. Remove it, or use another folder."
    ).replace("adam/dense_velocity_hat", other.optimizer.variables[14].path)
    assert all(map(np.array_equal, before, other.get_weights()))
    assert (tmp_path / "latest.weights.h5").exists()


def test_backups_check_their_arguments():
    with pytest.raises(ArgumentError) as error:
        callbacks.BackupAndRestore("")
    assert str(error.value) == ("BackupAndRestore: expected backup_dir to name a folder, got none.")
    with pytest.raises(ArgumentError) as error:
        callbacks.BackupAndRestore("a", save_freq="batch")
    assert str(error.value) == (
        "BackupAndRestore: expected save_freq=\"epoch\" or a positive number of steps, got 'batch'."
    )


def test_a_generator_goes_on_where_it_was(tmp_path):
    x, y = data(32)

    def batches():
        while True:
            yield x[:16], y[:16]
            yield x[16:], y[16:]

    def run(*more):
        made = model()
        made.fit(batches(), steps_per_epoch=2, epochs=3, verbose=0, callbacks=list(more))
        return made.get_weights()

    expected = run()
    with pytest.raises(RuntimeError, match="power cut"):
        run(callbacks.BackupAndRestore(tmp_path, 1), PowerCut(1, 0))
    assert all(map(np.array_equal, expected, run(callbacks.BackupAndRestore(tmp_path, 1))))


# TensorBoard


def events(folder: Path) -> list:
    """All values of the event files in `folder`, with their steps, checked as they are read."""
    protos = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = []
    for file in sorted(folder.iterdir()):
        content, at = file.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            event = protos.Event.FromString(content[at + 12 : at + 12 + length])
            found += [(event.step, value) for value in event.summary.value]
            at += 16 + length
    return found


def scalars(folder: Path) -> dict:
    found: dict = {}
    for step, value in events(folder):
        if value.WhichOneof("value") == "simple_value":
            found.setdefault(value.tag, {})[step] = value.simple_value
    return found


def test_tensorboard_writes_epochs(tmp_path):
    pytest.importorskip("tensorboardX")
    history = train(
        model(), callbacks.TensorBoard(tmp_path), epochs=3, validation_data=data(20)
    ).history
    train_scalars, validation = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    assert set(train_scalars) == {"epoch_loss", "epoch_accuracy", "epoch_learning_rate"}
    for name in ("loss", "accuracy"):
        assert list(train_scalars[f"epoch_{name}"].values()) == pytest.approx(history[name])
        assert list(validation[f"epoch_{name}"].values()) == pytest.approx(history[f"val_{name}"])
    assert train_scalars["epoch_learning_rate"] == pytest.approx({0: 0.01, 1: 0.01, 2: 0.01})
    assert list(validation["evaluation_loss_vs_iterations"]) == [5, 10, 15]


def test_tensorboard_writes_steps(tmp_path):
    pytest.importorskip("tensorboardX")
    logs = []
    every = callbacks.LambdaCallback(on_train_batch_end=lambda _, logs_: logs.append(logs_["loss"]))
    board = callbacks.TensorBoard(tmp_path, update_freq=3, write_steps_per_second=True)
    train(model(), board, every, epochs=2)
    found = scalars(tmp_path / "train")
    assert found["batch_loss"] == pytest.approx({n: logs[n - 1] for n in (3, 6, 9)})
    assert min(found["batch_steps_per_second"].values()) > 0
    assert set(found["epoch_steps_per_second"]) == {0, 1}


def test_tensorboard_writes_weights_and_the_model(tmp_path):
    pytest.importorskip("tensorboardX")
    made = model()
    train(made, callbacks.TensorBoard(tmp_path, histogram_freq=2, write_images=True), epochs=3)
    found = events(tmp_path / "train")
    written = {v.tag: v for step, v in found if step == 2 and v.WhichOneof("value") == "histo"}
    assert set(written) == {f"{w.path}/histogram" for w in made.weights}
    for w in made.weights:
        histogram = written[f"{w.path}/histogram"].histo
        assert histogram.num == w.size
        assert histogram.sum == pytest.approx(float(w.numpy().sum()), abs=1e-5)
    images = [v.image for step, v in found if step == 0 and v.WhichOneof("value") == "image"]
    assert [(i.height, i.width) for i in images][:2] == [(6, 8), (1, 8)]
    (graph,) = [v for _, v in found if v.tag == "keras"]
    assert graph.metadata.plugin_data.plugin_name == "graph_keras_model"
    assert json.loads(graph.tensor.string_val[0]) == json.loads(made.to_json())


def test_the_image_of_a_weight_is_a_png():
    grey = np.arange(6, dtype="uint8").reshape(2, 3)
    content = tensorboard._png(grey)
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", content, at + 8 + length) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        at += 12 + length
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (3, 2, 8, 0, 0, 0, 0)
    assert zlib.decompress(chunks[b"IDAT"]) == b"\0\0\1\2\0\3\4\5"


def test_tensorboard_without_its_writer(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    made = model()
    before = made.get_weights()
    with pytest.raises(MissingDependency) as error:
        train(made, callbacks.TensorBoard())
    assert str(error.value) == "TensorBoard needs tensorboardX: pip install tensorboardX."
    assert all(map(np.array_equal, before, made.get_weights()))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"profile_batch": 2},
            "TensorBoard: profile_batch must be 0. Call model.profile() to see where the time of a "
            "step goes.",
        ),
        (
            {"embeddings_freq": 1},
            "TensorBoard: embeddings_freq must be 0 and embeddings_metadata None: the projector of "
            "TensorBoard cannot read the files of weights.",
        ),
        (
            {"update_freq": "step"},
            'TensorBoard: expected update_freq="epoch", "batch" or a positive number of steps, got '
            "'step'.",
        ),
    ],
)
def test_tensorboard_checks_its_arguments(arguments, text):
    with pytest.raises(ArgumentError) as error:
        callbacks.TensorBoard(**arguments)
    assert str(error.value) == text


# Others


@pytest.fixture
def server():
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}", received
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_remote_monitor_posts_the_logs(server):
    root, received = server
    headers = {"X-Run": "7"}
    history = train(
        model(),
        callbacks.RemoteMonitor(root, headers=headers),
        callbacks.RemoteMonitor(root, "/json", send_as_json=True),
        epochs=2,
    ).history
    forms = [r for r in received if r[0] == "/publish/epoch/end/"]
    bodies = [r for r in received if r[0] == "/json"]
    sent = [json.loads(parse_qs(body)["data"][0]) for _, _, body in forms]
    assert sent == [json.loads(body) for _, _, body in bodies]
    assert [s["epoch"] for s in sent] == [0, 1]
    assert [s["loss"] for s in sent] == history["loss"]
    assert forms[0][1]["X-Run"] == "7"
    assert bodies[0][1]["Content-Type"] == "application/json"


def test_a_server_that_is_not_there_is_a_warning():
    with pytest.warns(UserWarning, match=r"^RemoteMonitor: http://127.0.0.1:9 could not be reach"):
        train(model(), callbacks.RemoteMonitor("http://127.0.0.1:9"), epochs=1)


def averaging(**options):
    return optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9, **options)


@pytest.mark.parametrize("wrap", [lambda o: o, optimizers.LossScaleOptimizer])
def test_averages_are_in_place_while_a_model_is_evaluated(wrap):
    made = model(wrap(averaging()))
    swap = callbacks.SwapEMAWeights()
    train(made, epochs=2)
    optimizer = getattr(made.optimizer, "inner_optimizer", made.optimizer)
    weights = [w.numpy() for w, _ in optimizer.averages]
    averages = [a.numpy() for _, a in optimizer.averages]
    plain = made.evaluate(*data(), verbose=0)
    swapped = made.evaluate(*data(), verbose=0, callbacks=[swap])
    assert plain != swapped
    for (w, a), weight, average in zip(optimizer.averages, weights, averages, strict=True):
        assert np.array_equal(w.numpy(), weight)  # as before
        assert np.array_equal(a.numpy(), average)
        w.assign(average)
    assert made.evaluate(*data(), verbose=0) == swapped
    predicted = made.predict(data()[0], verbose=0)
    for (w, _), weight in zip(optimizer.averages, weights, strict=True):
        w.assign(weight)
    assert np.array_equal(predicted, made.predict(data()[0], verbose=0, callbacks=[swap]))


def test_averages_stay_after_the_last_epoch():
    made = model(averaging())
    seen = []
    look = callbacks.LambdaCallback(
        on_epoch_end=lambda *_: seen.append(made.layers[0].kernel.numpy())
    )
    train(made, callbacks.SwapEMAWeights(swap_on_epoch=True), look, epochs=3)
    plain = model(averaging())
    train(plain, epochs=3)
    averages = [a.numpy() for _, a in plain.optimizer.averages]
    assert np.array_equal(seen[-1], averages[0])  # training was as without the callback
    assert np.array_equal(made.layers[0].kernel.numpy(), averages[0])


def test_an_optimizer_without_averages_is_refused():
    made = model()
    train(made, epochs=1)
    with pytest.raises(ArgumentError) as error:
        made.evaluate(*data(), verbose=0, callbacks=[callbacks.SwapEMAWeights()])
    assert str(error.value) == (
        "SwapEMAWeights: the optimizer Adam keeps no averages. Make it with use_ema=True."
    )
