"""Every network of the task: exact under padding, learns, exports."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import nn

from stepwell import discovery
from stepwell.schema import Field, Schema

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
