"""The networks that are watched, in plain PyTorch, some with modules for their activations and some with functions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .problems import Problem

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu_in_place": lambda: nn.ReLU(inplace=True),
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def mlp(sizes: Sequence[int], activation: str, *, norm: bool = False, dropout: float = 0.0) -> nn.Sequential:
    """Linear layers of these sizes, an activation between them."""
    layers: list[nn.Module] = []
    for into, out in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(into, out), *([nn.BatchNorm1d(out)] if norm else []), ACTIVATIONS[activation]()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class Cnn(nn.Module):
    """Blocks of two convolutions and a pool, then one hidden layer; [n, c, h, w] to [n, width]."""

    def __init__(self, channels: Sequence[int], width: int, activation: str, *, norm: bool, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into, out in itertools.pairwise(channels):
            for one in (into, out):
                layers += [nn.Conv2d(one, out, 3, padding=1), *([nn.BatchNorm2d(out)] if norm else [])]
                layers.append(ACTIVATIONS[activation]())
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(4 * channels[-1], 4 * channels[-1])
        self.out = nn.Linear(4 * channels[-1], width)

    def forward(self, x: Tensor) -> Tensor:
        """Answer."""
        x = F.adaptive_avg_pool2d(self.features(x), 2).flatten(1)
        return self.out(self.dropout(F.relu(self.hidden(x))))


class Block(nn.Module):
    """Two convolutions beside a way around them (He et al. 2016)."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)
        same = into == out and stride == 1
        self.around = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Answer."""
        inner = self.norm2(self.second(F.relu(self.norm1(self.first(x)))))
        return F.relu(inner + self.around(x))


class Resnet(nn.Module):
    """Stages of residual blocks; [n, c, h, w] to [n, width]."""

    def __init__(self, channels: Sequence[int], width: int, blocks: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.stem = nn.Conv2d(channels[0], channels[1], 3, 1, 1)
        stages: list[nn.Module] = []
        for place, (into, out) in enumerate(zip([channels[1], *channels[1:-1]], channels[1:], strict=True)):
            stages += [Block(into if not k else out, out, 2 if place and not k else 1) for k in range(blocks)]
        self.stages = nn.Sequential(*stages)
        self.out = nn.Linear(channels[-1], width)

    def forward(self, x: Tensor) -> Tensor:
        """Answer."""
        x = self.stages(F.relu(self.stem(x)))
        return self.out(self.dropout(x.mean((2, 3))))


def _entry(problem: Problem, size: int) -> nn.Module:
    return nn.Embedding(problem.tokens, size) if problem.tokens else nn.Linear(problem.x.shape[-1], size)


class Recurrent(nn.Module):
    """An LSTM or a GRU over the steps; answers from the last step, their largest values, or at every step."""

    def __init__(self, problem: Problem, cell: str, hidden: int, layers: int, *, ends: str, dropout: float) -> None:
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.entry = nn.Embedding(problem.tokens, hidden) if problem.tokens else nn.Identity()
        into = hidden if problem.tokens else problem.x.shape[-1]
        self.rnn = kind(into, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, problem.width)
        self.ends = "every" if problem.kind == "next" else ends

    def forward(self, x: Tensor) -> Tensor:
        """Answer: [n, width], or [n, steps, width]."""
        states = self.dropout(self.rnn(self.entry(x))[0])
        if self.ends == "every":
            return self.out(states)
        return self.out(states[:, -1] if self.ends == "last" else states.amax(1))


class Attending(nn.Module):
    """A transformer's encoder; answers from the mean over steps, or at every step without seeing later ones."""

    def __init__(
        self, problem: Problem, size: int, heads: int, layers: int, *, first: bool, dropout: float, activation: str
    ) -> None:
        super().__init__()
        self.entry = _entry(problem, size)
        self.places = nn.Parameter(0.02 * torch.randn(problem.x.shape[1], size))
        layer = nn.TransformerEncoderLayer(
            size, heads, 2 * size, dropout, activation=activation, batch_first=True, norm_first=first
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(size) if first else nn.Identity()
        self.out = nn.Linear(size, problem.width)
        self.causal = problem.kind == "next"

    def forward(self, x: Tensor) -> Tensor:
        """Answer: [n, width], or [n, steps, width]."""
        states = self.entry(x) + self.places
        if self.causal:
            mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
            return self.out(self.norm(self.encoder(states, mask, is_causal=True)))
        return self.out(self.norm(self.encoder(states)).mean(1))


class ConvAutoencoder(nn.Module):
    """Two strided convolutions to a code and back; [n, 1, h, w] to [n, h * w]."""

    def __init__(self, side: int, channels: int, latent: int, activation: str) -> None:
        super().__init__()
        self.small = math.ceil(math.ceil(side / 2) / 2)
        act = ACTIVATIONS[activation]
        inner = 2 * channels * self.small**2
        self.encode = nn.Sequential(
            *(nn.Conv2d(1, channels, 3, 2, 1), act(), nn.Conv2d(channels, 2 * channels, 3, 2, 1), act()),
            *(nn.Flatten(), nn.Linear(inner, latent)),
        )
        self.widen = nn.Sequential(nn.Linear(latent, inner), act())
        self.decode = nn.Sequential(
            *(nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1), act(), nn.ConvTranspose2d(channels, 1, 4, 2, 1)),
        )
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """Answer."""
        code = self.widen(self.encode(x))
        maps = self.decode(code.view(len(x), -1, self.small, self.small))
        return maps[:, :, : self.side, : self.side].flatten(1)


class Vae(nn.Module):
    """A variational autoencoder of one hidden layer (Kingma and Welling 2014); gives (answer, mean, log variance)."""

    def __init__(self, width: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.encode = nn.Linear(width, hidden)
        self.mean, self.log_variance = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.decode = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Answer; with noise in training alone."""
        state = F.relu(self.encode(x.flatten(1)))
        mean, log_variance = self.mean(state), self.log_variance(state)
        noise = torch.randn_like(mean) * torch.exp(0.5 * log_variance) if self.training else 0.0
        return self.decode(mean + noise), mean, log_variance


def build(net: Mapping[str, Any], problem: Problem) -> nn.Module:
    """The network that a case describes, for a problem's inputs and answers."""
    inner = {name: value for name, value in net.items() if name != "is"}
    into = problem.x.shape[1:]
    kind = net["is"]
    if kind == "mlp":
        sizes = [into.numel(), *inner.pop("sizes"), problem.width]
        body = mlp(sizes, **inner)
        return body if len(into) == 1 else nn.Sequential(nn.Flatten(), *body)
    if kind == "cnn":
        return Cnn([into[0], *inner.pop("channels")], problem.width, **inner)
    if kind == "resnet":
        return Resnet([into[0], *inner.pop("channels")], problem.width, **inner)
    if kind == "recurrent":
        return Recurrent(problem, **inner)
    if kind == "attending":
        return Attending(problem, **inner)
    if kind == "autoencoder":
        sizes = [into.numel(), inner["hidden"], inner["latent"], inner["hidden"], into.numel()]
        return nn.Sequential(nn.Flatten(), *mlp(sizes, inner["activation"]))
    if kind == "conv_autoencoder":
        return ConvAutoencoder(into[-1], **inner)
    if kind == "vae":
        return Vae(into.numel(), **inner)
    raise ValueError(f"no network is called {kind!r}")
