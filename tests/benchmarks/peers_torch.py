"""The models of `peers.py` written by hand in PyTorch, and a loop that does what `fit` does.

Initial weights, constants of the optimizers, shuffling, and the running loss and accuracy are
those of Keras; images are channels_last, and the last activation is part of the loss.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from peers_cases import CASES
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Trained"]


class Trained:
    """A model of one case with its optimizer."""

    def __init__(self, name: str):
        self.case = CASES[name]
        self.model = MODELS[name]()
        self.model.apply(initialise)
        if len(self.case.shape) == 3:
            self.model = self.model.to(memory_format=torch.channels_last)
        weights = list(self.model.parameters())
        if name == "mlp":
            self.optimizer = torch.optim.RMSprop(weights, 0.001, alpha=0.9, eps=1e-7)
        elif name == "resnet20":
            self.optimizer = torch.optim.SGD(weights, 0.1, momentum=0.9, fused=True)
        else:
            self.optimizer = torch.optim.Adam(weights, 0.001, eps=1e-7, fused=True)

    def inputs(self, x: np.ndarray) -> Tensor:
        """Rows as the model takes them; images (N, H, W, C) -> (N, C, H, W), still NHWC inside."""
        x = torch.from_numpy(x)
        return x.permute(0, 3, 1, 2) if x.ndim == 4 else x

    def prepare(self, x: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
        """The data as `fit` takes it."""
        if self.case.classes > 1:
            y = (y.argmax(1) if self.case.one_hot else y).astype(np.int64)
        return self.inputs(x), torch.from_numpy(y)

    def fit(self, x: Tensor, y: Tensor, epochs: int) -> float:
        """The loss over the last of these shuffled epochs."""
        self.model.train()
        for _ in range(epochs):
            loss, hits = torch.zeros(()), torch.zeros((), dtype=torch.int64)
            for rows in torch.randperm(len(x)).split(self.case.batch):
                step_loss, step_hits = self.step(x[rows], y[rows])
                loss += step_loss * len(rows)
                hits += step_hits
            loss, _accuracy = loss.item() / len(x), hits.item() / len(x)
        return loss

    def step(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """One update; gives the batch's loss and how many rows were right."""
        self.optimizer.zero_grad(set_to_none=True)
        outputs = self.model(x)
        if self.case.classes == 1:
            loss = functional.binary_cross_entropy_with_logits(outputs, y)
            right = (outputs > 0) == (y > 0.5)
        else:
            loss = functional.cross_entropy(outputs, y)
            right = outputs.argmax(1) == y
        loss.backward()
        self.optimizer.step()
        return loss.detach(), right.sum()

    def predictors(self) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
        """The way to a NumPy array of outputs for one batch."""
        finish = torch.sigmoid if self.case.classes == 1 else lambda z: torch.softmax(z, 1)

        @torch.inference_mode()
        def call(x: np.ndarray) -> np.ndarray:
            return finish(self.model(self.inputs(x))).numpy()

        self.model.eval()
        return {"call": call}

    def parameters(self) -> int:
        """How many numbers are trained, without the LSTM's second bias, which Keras has not."""
        named = self.model.named_parameters()
        return sum(w.numel() for name, w in named if "bias_hh" not in name)


def initialise(module: nn.Module) -> None:
    """Keras's initial values, in place."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.uniform_(module.weight, -0.05, 0.05)
    elif isinstance(module, nn.LSTM):
        nn.init.xavier_uniform_(module.weight_ih_l0)
        nn.init.orthogonal_(module.weight_hh_l0)
        nn.init.zeros_(module.bias_hh_l0)
        nn.init.zeros_(module.bias_ih_l0)
        with torch.no_grad():  # the second of the four gates is the one that forgets
            module.bias_ih_l0[module.hidden_size : 2 * module.hidden_size] = 1
    elif isinstance(module, nn.BatchNorm2d):
        module.eps, module.momentum = 1e-3, 0.01


def pima() -> nn.Module:
    return nn.Sequential(
        nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 1)
    )  # fmt: skip


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 10),
    )  # fmt: skip


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
        nn.Linear(12 * 12 * 64, 128), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(128, 10),
    )  # fmt: skip


class Reviews(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20000, 128)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.verdict = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.lstm(self.words(x))  # (N, T, 128)
        return self.verdict(states[:, -1])


class Residual(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, channels: int, filters: int, stride: int):
        super().__init__()
        self.first = convolved(channels, filters, stride)
        self.second = convolved(filters, filters)
        self.around = nn.Identity()
        if stride > 1:
            self.around = nn.Conv2d(channels, filters, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.relu(self.first(x), inplace=True))
        return functional.relu(y + self.around(x), inplace=True)


def convolved(channels: int, filters: int, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(filters))


def resnet20() -> nn.Module:
    parts, channels = [convolved(3, 16), nn.ReLU(inplace=True)], 16
    for filters in (16, 32, 64):
        for stride in (1 if filters == 16 else 2, 1, 1):
            parts.append(Residual(channels, filters, stride))
            channels = filters
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(5000, 64)
        blocks = [
            nn.TransformerEncoderLayer(64, 4, 256, 0.0, layer_norm_eps=1e-3, batch_first=True)
            for _ in range(2)
        ]
        self.blocks = nn.Sequential(*blocks)
        self.verdict = nn.Linear(64, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.verdict(self.blocks(self.words(x)).mean(1))


MODELS = {
    "pima": pima, "mlp": mlp, "cnn": cnn, "lstm": Reviews, "resnet20": resnet20,
    "transformer": Encoder,
}  # fmt: skip
