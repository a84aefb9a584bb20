"""Every network of the task: exact under padding, learns, exports."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from stepwell import discovery, recipe
from stepwell.artifact.export import onnx_bytes
from stepwell.errors import RecipeError
from stepwell.preparation import Prepared
from stepwell.schema import Field, Network, Schema
from stepwell.tasks.sentiment import choose, wide
from stepwell.tasks.sentiment.models import wide_deep

WORDS = 50
CLASSES = ("bad", "good", "so so")
TOKENS = Field("tokens", "sequence", "int64", ("time",), classes=tuple(f"w{n}" for n in range(WORDS)), levels=(WORDS,))
SCHEMA = Schema(
    (TOKENS,),
    (Field("label", "category", "int64", classes=CLASSES),),
    (Field("logits", "logits", "float32", (3,), classes=CLASSES),),
)
ROOMS = discovery.task("sentiment").rooms("models")
MODELS = sorted({name for room in ROOMS for name in discovery.names(room)} - {"pretrained"})


def module(name: str) -> ModuleType:
    return discovery.find(ROOMS, name)


def network(name: str, **options: object) -> nn.Module:
    torch.manual_seed(0)
    options = {"deep": "gru", **options} if name == "wide_deep" else options
    model = module(name).build(module(name).Options(**options), SCHEMA)
    for parameter in model.parameters():  # weights that begin at 0 would hide what is wrong
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    assert isinstance(model, nn.Module)
    return model.eval()


def texts(lengths: list[int], longest: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(2, WORDS, (len(lengths), longest), generator=generator)
    for row, length in zip(tokens, lengths, strict=True):
        row[length:] = 0
    return tokens, torch.tensor(lengths)


@pytest.mark.parametrize("name", MODELS)
def test_an_answer_does_not_depend_on_what_else_is_in_the_batch(name: str) -> None:
    model = network(name)
    lengths = [1, 2, 9, 5]
    tokens, counts = texts(lengths, 9)
    with torch.no_grad():
        together = model(tokens, counts)
        padded = model(torch.cat([tokens, torch.zeros(4, 7, dtype=torch.int64)], dim=1), counts)
        alone = [model(tokens[row : row + 1, :length], counts[row : row + 1]) for row, length in enumerate(lengths)]
    assert together.shape == (4, 3)
    torch.testing.assert_close(together, padded, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_every_token_of_a_text_counts(name: str) -> None:
    model = network(name)
    tokens, lengths = texts([6], 6)
    with torch.no_grad():
        before = model(tokens, lengths)
        for place in range(6):
            changed = tokens.clone()
            changed[0, place] = 2 + (int(tokens[0, place]) + 7) % (WORDS - 2)
            assert not torch.equal(model(changed, lengths), before) or name == "text_cnn"


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"average"}))
def test_the_order_of_the_words_counts(name: str) -> None:
    model = network(name)
    tokens, lengths = texts([6], 6)
    with torch.no_grad():
        assert not torch.allclose(model(tokens, lengths), model(tokens.flip(1), lengths), atol=1e-6)


class Both(nn.Module):
    """An LSTM of two layers and a GRU side by side: one export tries both."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru = network("lstm", layers=2), network("gru")

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.lstm(tokens, lengths) + 3.0 * self.gru(tokens, lengths)


def test_recurrent_layers_answer_in_onnx_as_in_torch_at_any_length() -> None:
    model = Both().eval()
    call = [np.full((2, 7), 3, dtype=np.int64), np.array([7, 4])]
    session = onnxruntime.InferenceSession(onnx_bytes("both", Network(model, SCHEMA.inputs, SCHEMA.outputs), call))
    for lengths in ([5, 1, 3], [9], [30, 2]):
        tokens, counts = texts(lengths, max(lengths))
        given = dict(zip((one.name for one in session.get_inputs()), (tokens.numpy(), counts.numpy()), strict=True))
        with torch.no_grad():
            np.testing.assert_allclose(session.run(None, given)[0], model(tokens, counts).numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_both_directions_equal_torch_packed_sequences(name: str) -> None:
    model = network(name, units=5, pooling="last")
    tokens, lengths = texts([4, 1, 7], 7)
    layer = (nn.LSTM if name == "lstm" else nn.GRU)(model.embedding.width, 5, batch_first=True, bidirectional=True)
    ours = {"": model.forward_layers[0].layer, "_reverse": model.backward_layers[0].layer}
    with torch.no_grad():
        for suffix, one in ours.items():
            for weight, value in one.named_parameters():
                getattr(layer, weight + suffix).copy_(value)
        x, _ = model.embedding(tokens, lengths)
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        state = layer(packed)[1]
        last = state[0] if name == "lstm" else state
        torch.testing.assert_close(model(tokens, lengths), model.output(torch.cat([last[0], last[1]], dim=1)))


def test_the_wide_part_hears_words_and_pairs_and_no_padding() -> None:
    part = wide.Words(SCHEMA, buckets=1000, dropout=0.0).eval()
    nn.init.normal_(part.table.weight)
    tokens, lengths = texts([3], 3)
    rows = [*tokens[0].tolist()]
    first = [(a * 1_000_003 + b * 7_919) % 1000 + WORDS for a, b in pairwise(rows)]
    table = part.table.weight.detach().double()[[*rows, *first]]
    importance = (wide.IMPORTANCE * table[:, -1]).exp()
    wanted = wide.WEIGHTS * (importance @ table[:, :-1]) / importance.square().sum().sqrt()
    with torch.no_grad():
        torch.testing.assert_close(part(tokens, lengths)[0].double(), wanted, rtol=1e-4, atol=1e-5)


def test_words_that_are_spelled_alike_are_heard_alike() -> None:
    names = ("", "?", "wonderful", "wonderfull", "awful")
    tokens = Field("tokens", "sequence", "int64", ("time",), measure="words", levels=(len(names),), classes=names)
    part = wide.Spelling(Schema((tokens,), SCHEMA.targets, ()), buckets=100_003, dropout=0.0).eval()
    learned = torch.optim.SGD(part.parameters(), lr=0.1)
    goal = torch.tensor([1])
    for mode in (True, False):  # what is heard while training, each word once, is what is heard afterwards
        part.train(mode)
        loss = nn.functional.cross_entropy(part(torch.tensor([[2]]), torch.tensor([1])), goal)
        loss.backward()
    learned.step()
    part.bias.data.zero_()
    with torch.no_grad():
        said = [part(torch.tensor([[word, 2]]), torch.tensor([1]))[0, 1].item() for word in range(len(names))]
        assert said[0] == said[1] == 0.0  # no letters
        assert said[2] > said[3] > 0.5 * said[2]
        assert abs(said[4]) < 0.5 * said[2]
        together = part.train()(torch.tensor([[2, 3, 4]]), torch.tensor([3]))
        torch.testing.assert_close(together, part.eval()(torch.tensor([[2, 3, 4]]), torch.tensor([3])))


@pytest.mark.parametrize("part", [wide.Words, wide.Spelling])
def test_a_text_hidden_whole_says_nothing(part: type[wide.Words | wide.Spelling]) -> None:
    part = part(SCHEMA, buckets=10, dropout=0.999).train()
    nn.init.normal_(part.table.weight)
    answers = part(*texts([1, 2], 2))
    assert answers.isfinite().all()


@pytest.mark.parametrize(("tokens", "deep"), [(5, "gru"), (200, "text_cnn")])
def test_what_reads_words_in_order_follows_the_length_of_the_texts(tokens: int, deep: str) -> None:
    with pytest.raises(RecipeError, match="decided when"):
        wide_deep.build(wide_deep.Options(), SCHEMA)
    train = Prepared(("1", "2"), {"tokens": [np.zeros(tokens), np.zeros(tokens)]}, {}, ({}, {}))
    found = choose.choose(recipe.draft("sentiment"), train, train, 0)
    assert found["model.deep"][0] == deep and str(tokens) in found["model.deep"][1]
    assert choose.choose(recipe.draft("sentiment", ("quick",)), train, train, 0) == {}


@pytest.mark.parametrize("part", [wide.Words, wide.Spelling])
def test_many_classes_share_fewer_weights(part: type[wide.Words | wide.Spelling]) -> None:
    label = Field("label", "category", "int64", classes=tuple(f"c{n}" for n in range(999)))
    made = part(Schema((TOKENS,), (label,), ()), buckets=wide.BUCKETS, dropout=0.0)
    assert made.table.weight.numel() <= wide.MOST_WEIGHTS + 1000 * WORDS
    assert made.train()(*texts([3], 3)).shape == (1, 999)


def test_spellings_are_not_heard_of_very_many_classes() -> None:
    parts = {}
    for count in (wide.SPELLED, wide.SPELLED + 1):
        label = Field("label", "category", "int64", classes=tuple(f"c{n}" for n in range(count)))
        made = wide_deep.build(wide_deep.Options(deep="gru"), Schema((TOKENS,), (label,), ()))
        parts[count] = set(made.parts)
    assert parts == {wide.SPELLED: {"words", "deep", "letters"}, wide.SPELLED + 1: {"words", "deep"}}
