"""Recurrent layers that read each text in both directions, exact whatever a text is padded to.

The backward layer reads each text turned around within its own length, by an index: torch's packed sequences give the
same numbers and cannot be exported. Beyond a text's end both layers run on and nobody looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from stepwell.blocks.perceptron import Body, perceptron
from stepwell.schema import Schema
from stepwell.tasks.sentiment.embedding import (
    Dropout,
    Embedding,
    Pool,
    Pooling,
    Tune,
    Vectors,
    Width,
    WordDropout,
    output,
)


@dataclass(frozen=True)
class Options:
    """The settings of a recurrent network."""

    width: Width = 64
    vectors: Vectors = None
    tune: Tune = True
    units: Annotated[int, Meta(ge=1, description="Units of a layer in each direction.")] = 64
    layers: Annotated[int, Meta(ge=1, description="Recurrent layers, each reading what the one before it wrote.")] = 1
    bidirectional: Annotated[bool, Meta(description="Read each text from its end too.")] = True
    pooling: Pooling = "attention"
    dense: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...], Meta(description="Units of each dense layer in turn.")
    ] = ()
    dropout: Dropout = 0.4
    word_dropout: WordDropout = 0.1


class Recurrence(nn.Module):
    """One layer in one direction, `(batch, time, width)` to `(batch, time, units)`; in ONNX a single operator.

    Left to itself torch's exporter unrolls a recurrent layer step by step, takes minutes for long texts and fixes their
    length.
    """

    def __init__(self, layer: nn.LSTM | nn.GRU) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export():
            return self._operator(x)
        written: Tensor = self.layer(x)[0]
        return written

    def _operator(self, x: Tensor) -> Tensor:
        """The operator LSTM or GRU with torch's weights, its gates in the order of ONNX."""
        lstm = isinstance(self.layer, nn.LSTM)
        order = (0, 3, 1, 2) if lstm else (1, 0, 2)  # torch: input, forget, cell, output; reset, update, new

        def sorted_gates(weight: Tensor) -> Tensor:
            gates = weight.chunk(len(order))
            return torch.cat([gates[place] for place in order])

        parameters = [sorted_gates(getattr(self.layer, f"{name}_l0")) for name in ("weight_ih", "weight_hh")]
        bias = torch.cat([sorted_gates(getattr(self.layer, f"{name}_l0")) for name in ("bias_ih", "bias_hh")])
        units = self.layer.hidden_size
        written = torch.onnx.ops.symbolic(
            "LSTM" if lstm else "GRU",
            (x.transpose(0, 1), *(one.unsqueeze(0) for one in (*parameters, bias))),
            {"hidden_size": units} if lstm else {"hidden_size": units, "linear_before_reset": 1},
            dtype=x.dtype,
            shape=(x.shape[1], 1, x.shape[0], units),
        )
        return written.squeeze(1).transpose(0, 1)


class Recurrent(nn.Module):
    """Embedding, recurrent layers, pooling, dense layers, logits."""

    def __init__(self, options: Options, schema: Schema, cell: type[nn.LSTM | nn.GRU]) -> None:
        super().__init__()
        self.embedding = Embedding(
            schema,
            options.width,
            file=options.vectors,
            tune=options.tune,
            dropout=options.dropout,
            hide=options.word_dropout,
        )
        width, found = self.embedding.width, options.units * (2 if options.bidirectional else 1)
        self.forward_layers, self.backward_layers = nn.ModuleList(), nn.ModuleList()
        for _ in range(options.layers):
            self.forward_layers.append(Recurrence(cell(width, options.units, batch_first=True)))
            if options.bidirectional:
                self.backward_layers.append(Recurrence(cell(width, options.units, batch_first=True)))
            width = found
        self.dropout = nn.Dropout(options.dropout)
        self.last = options.pooling == "last"
        self.units = options.units
        self.pool = Pool(options.pooling, width)
        self.dense = perceptron(width, Body(options.dense, dropout=options.dropout))
        self.output = output(options.dense[-1] if options.dense else width, schema)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to logits `(batch, classes)`."""
        x, within = self.embedding(tokens, lengths)
        turned = turned_around(tokens, lengths).unsqueeze(2)
        for place, layer in enumerate(self.forward_layers):
            read = [layer(x)]
            if self.backward_layers:
                backward = self.backward_layers[place](x.gather(1, turned.expand(-1, -1, x.shape[2])))
                read.append(backward.gather(1, turned.expand(-1, -1, self.units)))
            x = self.dropout(torch.cat(read, dim=2))
        pooled = self._ends(x, lengths) if self.last else self.pool(x, within)
        logits: Tensor = self.output(self.dropout(self.dense(pooled)))
        return logits

    def _ends(self, x: Tensor, lengths: Tensor) -> Tensor:
        """What each direction wrote last: at the last token forward, at the first one backward."""
        last = (lengths - 1).view(-1, 1, 1).expand(-1, 1, self.units)
        ends = x[:, :, : self.units].gather(1, last).squeeze(1)
        return torch.cat([ends, x[:, 0, self.units :]], dim=1) if self.backward_layers else ends


def turned_around(tokens: Tensor, lengths: Tensor) -> Tensor:
    """Places `(batch, time)` that read each text from its end; what lies beyond its end stays where it is."""
    places = torch.arange(tokens.shape[1], device=tokens.device).unsqueeze(0)
    return torch.where(places < lengths.unsqueeze(1), lengths.unsqueeze(1) - 1 - places, places)
