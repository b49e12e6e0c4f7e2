"""`TensorBoard`. Imports callbacks.base and errors; tensorboardX when it is used."""

from __future__ import annotations

import os
import struct
import time
import zlib
from typing import Any

import numpy as np

from kerasnb.callbacks.base import Callback, read
from kerasnb.errors import ArgumentError, MissingDependency

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes logs, weights and the model for TensorBoard, into the folders ``train`` and
    ``validation``.

    ``tensorboard --logdir logs`` shows them. Needs tensorboardX.

    Args:
        log_dir: the folder.
        histogram_freq: write the distribution of each weight every so many epochs; 0 for never.
        write_graph: write the layers and their connections, of sequential and functional models.
        write_images: write weights as images too, where `histogram_freq` says so.
        write_steps_per_second: write the speed of each epoch, and of each step with `update_freq`.
        update_freq: ``"epoch"``, or ``"batch"`` or a number of steps, to write the logs of every
            so many steps too.
        profile_batch: must be 0; `model.profile` measures where the time of a step goes.
        embeddings_freq: must be 0: the projector cannot read weights files.
        embeddings_metadata: must be None.

    Raises:
        ArgumentError: an argument has a wrong value.
        MissingDependency: tensorboardX is not installed; raised when training begins.
    """

    lazy_logs = True

    def __init__(
        self,
        log_dir: str | os.PathLike = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        super().__init__()
        if profile_batch:
            raise ArgumentError(
                "TensorBoard: profile_batch must be 0. Call model.profile() to see where the time "
                "of a step goes."
            )
        if embeddings_freq or embeddings_metadata is not None:
            raise ArgumentError(
                "TensorBoard: embeddings_freq must be 0 and embeddings_metadata None: the "
                "projector of TensorBoard cannot read the files of weights."
            )
        update_freq = 1 if update_freq == "batch" else update_freq
        by_step = isinstance(update_freq, int) and not isinstance(update_freq, bool)
        if update_freq != "epoch" and not (by_step and update_freq > 0):
            raise ArgumentError(
                'TensorBoard: expected update_freq="epoch", "batch" or a positive number of steps, '
                f"got {update_freq!r}."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_images = histogram_freq, write_images
        self.write_graph = write_graph
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = update_freq
        # where only epochs are written, steps may run many in one call
        self.every_batch = update_freq != "epoch"
        self._writers: dict[str, Any] = {}
        self._batches = 0
        self._began = self._epoch_began = 0.0
        self._iterations = 0

    # What `fit` and `evaluate` call

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._batches = 0
        _writer_class()  # missing: an error now, not after an epoch
        if self.write_graph:
            self._write_graph()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch_began = time.perf_counter()
        self._iterations = self._steps_done()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._batches += 1
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.update_freq == "epoch" or self._batches % self.update_freq:
            return
        if self.write_steps_per_second:
            speed = 1.0 / (time.perf_counter() - self._began)
            self._scalars("train", {"batch_steps_per_second": speed}, self._batches)
        values = {f"batch_{name}": value for name, value in read(logs).items()}
        self._scalars("train", values, self._batches)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        train = {k: v for k, v in (logs or {}).items() if not k.startswith("val_")}
        validation = {k[4:]: v for k, v in (logs or {}).items() if k.startswith("val_")}
        if hasattr(self.model.optimizer, "learning_rate"):
            train["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self._epoch_began
            train["steps_per_second"] = (self._steps_done() - self._iterations) / seconds
        for folder, values in (("train", train), ("validation", validation)):
            if values:
                self._scalars(folder, {f"epoch_{k}": v for k, v in values.items()}, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()  # a browser sees the epoch at once, and an interrupt loses nothing

    def on_test_end(self, logs: dict | None = None) -> None:
        if logs and hasattr(self.model.optimizer, "iterations"):
            values = {f"evaluation_{name}_vs_iterations": value for name, value in logs.items()}
            self._scalars("validation", values, self._steps_done())
            self._writer("validation").flush()  # `evaluate` has no end of training that closes it

    def on_train_end(self, logs: dict | None = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    # What is written

    def _steps_done(self) -> int:
        return int(getattr(self.model.optimizer, "iterations", 0))

    def _writer(self, folder: str) -> Any:
        if folder not in self._writers:
            self._writers[folder] = _writer_class()(os.path.join(self.log_dir, folder))
        return self._writers[folder]

    def _scalars(self, folder: str, values: dict, step: int) -> None:
        writer = self._writer(folder)
        for name, value in values.items():
            if isinstance(value, (int, float)):
                writer.add_scalar(name, value, step)

    def _write_weights(self, epoch: int) -> None:
        for layer in self.model.layers:
            for weight in layer.weights:
                name, values = weight.path.replace(":", "_"), weight.numpy()
                if not np.isfinite(values).all():
                    continue  # they have no histogram, and the loss says so already
                self._writer("train").add_histogram(f"{name}/histogram", values, epoch)
                if self.write_images:
                    self._write_image(f"{name}/image", values, epoch)

    def _write_image(self, tag: str, values: np.ndarray, epoch: int) -> None:
        grid = np.squeeze(values)
        if grid.ndim not in (1, 2):
            return
        grid = np.atleast_2d(grid).astype("float32")
        grid = grid.T if grid.shape[0] > grid.shape[1] else grid
        low, high = float(grid.min(initial=0.0)), float(grid.max(initial=0.0))
        grey = np.uint8(255 * (grid - low) / (high - low or 1.0))
        summary = _summary_module()
        image = summary.Summary.Image(
            height=grey.shape[0],
            width=grey.shape[1],
            colorspace=1,
            encoded_image_string=_png(grey),
        )
        self._add(summary.Summary.Value(tag=tag, image=image), epoch)

    def _write_graph(self) -> None:
        """The model's configuration, from which TensorBoard draws its graph of layers."""
        if type(self.model).__name__ not in ("Functional", "Sequential"):
            return
        try:
            text = self.model.to_json()
        except ArgumentError:  # say, an op outside of a layer: there is no configuration
            return
        summary, tensor = _summary_module(), _tensor_module()
        kind = summary.SummaryMetadata(
            plugin_data=summary.SummaryMetadata.PluginData(
                plugin_name="graph_keras_model", content=b"1"
            )
        )
        value = summary.Summary.Value(
            tag="keras",
            metadata=kind,
            tensor=tensor.TensorProto(dtype="DT_STRING", string_val=[text.encode()]),
        )
        self._add(value, 0)

    def _add(self, value: Any, step: int) -> None:
        summary = _summary_module().Summary(value=[value])
        self._writer("train").file_writer.add_summary(summary, step)


def _writer_class() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise MissingDependency(
            "TensorBoard needs tensorboardX: pip install tensorboardX."
        ) from None
    return SummaryWriter


def _summary_module() -> Any:
    from tensorboardX.proto import summary_pb2

    return summary_pb2


def _tensor_module() -> Any:
    from tensorboardX.proto import tensor_pb2

    return tensor_pb2


def _png(grey: np.ndarray) -> bytes:
    """uint8 (height, width) as a PNG file."""
    height, width = grey.shape
    rows = b"".join(b"\0" + row.tobytes() for row in grey)  # 0: no filter

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, greys
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
