"""An encoder trained before: read from a folder, frozen or learning. A stand-in takes the place of transformers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor, nn

from stepwell import recipe
from stepwell.artifact.export import licenses_of
from stepwell.artifact.manifest import License
from stepwell.errors import DataError, MissingExtraError, RecipeError
from stepwell.preparation import Prepared, run
from stepwell.schema import Columns, Examples, Field, Schema
from stepwell.schema import Network as Exported
from stepwell.tasks.sentiment import choose, encoder, prepare
from stepwell.tasks.sentiment.models import pretrained

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "lid")
WIDTH = 6
KINDS = ("weight", "bias")


class Network(nn.Module):
    """Two layers over tokens that see the mean of their text, in the form of transformers; counts its calls."""

    config = SimpleNamespace(hidden_size=WIDTH)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(len(WORDS), WIDTH)
        self.layer = nn.ModuleList([nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)])
        self.dropout = nn.Dropout(0.5)
        self.calls = 0

    def get_input_embeddings(self) -> nn.Embedding:
        return self.words

    def forward(self, input_ids: Tensor, attention_mask: Tensor, output_hidden_states: bool) -> SimpleNamespace:
        assert output_hidden_states
        self.calls += 1
        states = [x := self.words(input_ids)]
        for layer in self.layer:
            shares = attention_mask / attention_mask.sum(1, keepdim=True)
            states.append(x := self.dropout(torch.tanh(layer(x) + torch.bmm(shares.unsqueeze(1), x))))
        return SimpleNamespace(hidden_states=tuple(states))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tokenizer that cuts and fills by itself, and a package that reads the stand-in from it."""

    def from_pretrained(name: str, **settings: Any) -> Network:
        assert settings["use_safetensors"] and "trust_remote_code" not in settings
        if not (Path(name) / "model.safetensors").exists():
            raise OSError("no file named model.safetensors\nand much advice")
        return Network()

    made = SimpleNamespace(AutoModel=SimpleNamespace(from_pretrained=from_pretrained))
    monkeypatch.setitem(sys.modules, "transformers", made)
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    words.enable_truncation(4)
    words.enable_padding(length=9)
    words.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    encoder.frozen.cache_clear()
    return tmp_path


def examples(texts: list[str]) -> Examples:
    ids = tuple(str(number) for number in range(len(texts)))
    labels = ["yes" if "good" in text else "no" for text in texts]

    def fetch(indices: list[int], views: Any) -> Columns:
        return {"text": [texts[i] for i in indices], "label": [labels[i] for i in indices]}

    return Examples(ids, ids, {"label": tuple(labels)}, fetch, "here", "made")


def fitted(folder: Path, **settings: Any) -> tuple[Schema, Columns]:
    data = examples(["good lid", "bad bad bad bad bad lid", "nothing known"])
    options = prepare.Options(tokens="encoder", encoder=str(folder), **settings)
    prepared = prepare.fit(options, data, [0, 1, 2])
    return prepared.schema, run(prepared, data.fetch([0, 1, 2], None))[0]


def padded(columns: Columns) -> tuple[Tensor, Tensor]:
    tokens = [torch.from_numpy(one) for one in columns["tokens"]]
    return nn.utils.rnn.pad_sequence(tokens, batch_first=True), torch.tensor([len(one) for one in tokens])


def test_texts_are_cut_by_the_encoder_whole_and_unfilled(folder: Path) -> None:
    schema, columns = fitted(folder)
    assert schema.inputs[0].classes == WORDS
    assert [one.tolist() for one in columns["tokens"]] == [[2, 4, 6, 3], [2, 5, 5, 5, 5, 5, 6, 3], [2, 1, 1, 3]]
    _, columns = fitted(folder, longest=4)
    assert columns["tokens"][1].tolist() == [2, 5, 6, 3]


def test_a_frozen_encoder_encodes_each_text_once_and_never_changes(folder: Path) -> None:
    schema, columns = fitted(folder)
    model = pretrained.build(pretrained.Options(encoder=str(folder), depth=2, words=False), schema)
    tokens, lengths = padded(columns)
    together = model.eval()(tokens, lengths)
    calls = model.features.encoder.network.calls
    assert calls == 3
    another = pretrained.build(pretrained.Options(encoder=str(folder), depth=2, words=False), schema)
    another.train()(tokens, lengths)
    assert model.features.encoder.network.calls == calls
    alone = [
        model.features(tokens[row : row + 1, :count], lengths[row : row + 1])[0] for row, count in enumerate(lengths)
    ]
    assert torch.equal(model.features(tokens, lengths)[0], torch.cat(alone))
    learning = {name.split(".")[0] for name, one in model.named_parameters() if one.requires_grad}
    assert learning == {"output"}
    direct = model.output(model.normalize(model.features.encoder(tokens, lengths)[0]))
    torch.testing.assert_close(together, direct)


@pytest.mark.parametrize("spread", [True, False])
def test_features_are_the_means_of_the_last_layers_and_how_far_tokens_lie_from_them(folder: Path, spread: bool) -> None:
    tokens, lengths = padded(fitted(folder)[1])
    found = encoder.load(str(folder), 2, spread=spread, download=False).eval()
    wanted = []
    for row, length in zip(tokens, lengths, strict=True):
        one = row[:length].unsqueeze(0)
        states = found.network(one, torch.ones_like(one), output_hidden_states=True).hidden_states[-2:]
        parts = [state[0].mean(0) for state in states] + [state[0].std(0, correction=0) for state in states] * spread
        wanted.append(torch.cat(parts))
    features, per_token = found(tokens, lengths)
    assert features.shape == (3, found.width) and per_token.shape == (*tokens.shape, found.states)
    torch.testing.assert_close(features, torch.stack(wanted), rtol=1e-4, atol=1e-5)
    single, _ = found(torch.tensor([[4]]), torch.tensor([1]))
    single.sum().backward()
    assert all(bool(torch.isfinite(one.grad).all()) for one in found.parameters() if one.grad is not None)


@pytest.mark.parametrize(
    ("card", "license_"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\ntags:\n- license: other\n---\n# A model", "apache-2.0"),
        ("---\nlanguage: en\n---\nlicense: mine", "not stated"),
        ("license: mine", "not stated"),
        (None, "not stated"),
    ],
)
def test_the_license_of_an_encoder_is_that_of_its_card(folder: Path, card: str | None, license_: str) -> None:
    if card is not None:
        (folder / "README.md").write_text(card)
    model = pretrained.build(pretrained.Options(encoder=str(folder), depth=2), fitted(folder)[0])
    network = Exported(model, (), ())
    assert licenses_of({"one": network, "two": network}) == (License("an encoder", license_, folder.name),)


@pytest.mark.parametrize("words", [True, False])
def test_the_last_layers_of_an_encoder_learn_as_asked_each_slower_than_the_one_above(folder: Path, words: bool) -> None:
    schema, columns = fitted(folder)
    options = pretrained.Options(encoder=str(folder), tune=2, depth=2, rate=0.1, rate_decay=0.5, words=words)
    model = pretrained.build(options, schema)
    model(*padded(columns)).sum().backward()
    names = {parameter: name.removeprefix("parts.deep.") for name, parameter in model.named_parameters()}
    learning = {name for one, name in names.items() if one.grad is not None and name.startswith("features")}
    rates = {names[one]: rate for one, rate in model.rates().items()}
    slow = {name: rate for name, rate in rates.items() if not name.startswith(("parts.words", "parts.letters"))}
    assert {rates[name] for name in rates.keys() - slow.keys()} == ({pretrained.WORDS_RATE} if words else set())
    assert slow == pytest.approx(
        {f"features.network.layer.{layer}.{kind}": rate for layer, rate in ((1, 0.1), (0, 0.05)) for kind in KINDS}
    )
    assert learning == set(slow)


def test_attention_picks_from_the_tokens_of_a_frozen_encoder_whatever_padding_there_is(folder: Path) -> None:
    schema, columns = fitted(folder)
    options = pretrained.Options(encoder=str(folder), depth=2, words=False, pooling="attention")
    model = pretrained.build(options, schema).eval()
    tokens, lengths = padded(columns)
    features, states = model.features(tokens, lengths)
    means = model.pool(states, torch.arange(tokens.shape[1]) < lengths.unsqueeze(1))
    torch.testing.assert_close(means, features[:, : model.features.states])  # as it begins
    size = 4 * (features.numel() + int(lengths.sum()) * model.features.states)
    assert (model.features.will_keep(3), model.features.will_keep(30)) == (0, 9 * size)
    with torch.no_grad():
        model.pool.score.weight.normal_()
    wider = nn.functional.pad(tokens, (0, 5))
    torch.testing.assert_close(model(tokens, lengths), model(wider, lengths))
    model(tokens, lengths).sum().backward()
    assert model.pool.score.weight.grad.abs().sum() > 0
    assert model.pool.score.weight not in model.rates()  # at the recipe's own
    assert not any(one.requires_grad for one in model.features.parameters())


def test_attention_may_stand_beside_an_encoder_that_learns(folder: Path) -> None:
    schema, columns = fitted(folder)
    options = pretrained.Options(encoder=str(folder), depth=2, tune=1, words=False, pooling="attention", dropout=0.0)
    model = pretrained.build(options, schema).eval()
    model(*padded(columns))[:, 0].sum().backward()
    last = model.features.layers()[-1]
    assert last.weight.grad.abs().sum() > 0 and model.pool.score.weight.grad.abs().sum() > 0
    assert model.pool.score.weight not in model.rates()  # at the recipe's own


@pytest.mark.parametrize(("tune", "texts", "wanted"), [(0, 10, "attention"), (0, 30_000, "mean"), (1, 10, "mean")])
def test_tokens_are_attended_to_where_their_states_can_be_kept(tune: int, texts: int, wanted: str) -> None:
    drafted = recipe.draft("sentiment", ("pretrained",), {"model.tune": tune, "prepare.encoder": "somewhere"})
    train = Prepared(("a",) * texts, {"tokens": [np.arange(5)] * texts}, {}, ())
    chosen = choose.choose(drafted, train, train, 0)
    assert chosen["model.pooling"][0] == wanted and chosen["model.encoder"][0] == "somewhere"


def test_words_stand_beside_the_encoder(folder: Path) -> None:
    schema, columns = fitted(folder)
    model = pretrained.build(pretrained.Options(encoder=str(folder), depth=2, share=2.0, letters=0.0), schema)
    tokens, lengths = padded(columns)
    assert model.train()(tokens, lengths).shape == (3, 2, 2)
    model.eval()
    both, deep = model(tokens, lengths), model.parts["deep"](tokens, lengths)
    slow = {parameter for parameter, rate in model.rates().items() if rate == pretrained.FEATURES_RATE}
    assert slow == set(model.parts["deep"].output.parameters())  # of what learns beside the words
    torch.testing.assert_close(both, 2 * deep)  # of words nothing is known yet
    with torch.no_grad():
        model.parts["words"].table.weight[WORDS.index("good"), 1] = 1.0
    told = model(tokens, lengths) - both
    assert told[0, 1] > 0 and not told[1:].any() and not told[:, 0].any()


def test_what_does_not_fit_is_said(folder: Path) -> None:
    schema, _ = fitted(folder)
    with pytest.raises(RecipeError, match="has 2 layers"):
        pretrained.build(pretrained.Options(encoder=str(folder), tune=3, depth=2), schema)
    assert pretrained.build(pretrained.Options(encoder=str(folder)), schema).parts["deep"].features.encoder.depth == 2
    words = Schema((Field("tokens", "sequence", "int64", ("time",), measure="words", levels=(3,)),), (), ())
    with pytest.raises(RecipeError, match="cut into words"):
        pretrained.build(pretrained.Options(encoder=str(folder), depth=2), words)
    more = Schema((Field("tokens", "sequence", "int64", ("time",), measure="encoder", levels=(99,)),), (), ())
    with pytest.raises(RecipeError, match="do not belong together"):
        pretrained.build(pretrained.Options(encoder=str(folder), depth=2), more)
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"cannot be read: no file named model\.safetensors"):
        encoder.load(str(folder), 2, spread=False, download=False)
    with pytest.raises(DataError, match="no encoder here"):
        encoder.load(str(folder / "nowhere"), 2, spread=False, download=False)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"version": "1.0"}), None])
def test_a_damaged_tokenizer_is_named(folder: Path, content: str | None) -> None:
    place = folder / "tokenizer.json"
    place.unlink() if content is None else place.write_text(content)
    with pytest.raises(DataError, match="okenizer"):
        fitted(folder)


def test_the_package_that_is_missing_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match="transformers") as error:
        encoder.load(str(folder), 2, spread=False, download=False)
    assert 'pip install "stepwell[hf]"' in error.value.do


def test_the_encoder_must_be_named_and_fit_the_tokens() -> None:
    data = examples(["good", "bad"])
    with pytest.raises(RecipeError, match="No encoder is named"):
        prepare.fit(prepare.Options(tokens="encoder"), data, [0, 1])
    with pytest.raises(ValueError, match="tokens encoder"):
        prepare.Options(encoder="somewhere")
