"""The network of tables and what it minimizes: shapes, members, output functions, errors, programs, export."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional

from stepwell import building, discovery, recipe
from stepwell.artifact.export import onnx_bytes
from stepwell.errors import RecipeError
from stepwell.schema import Batch, Field, Schema
from stepwell.tasks.table import choose, objectives
from stepwell.tasks.table.models import mlp

NUMBERS = Field("numbers", "number", "float32", (3,), bins=((-1.0, 0.0, 2.0), (), (0.0, 1.0)))
PLAIN = Field("numbers", "number", "float32", (3,))
CATEGORIES = Field("categories", "category", "int64", (2,), levels=(4, 3))
INPUTS = {"both": (NUMBERS, CATEGORIES), "numbers": (PLAIN,), "categories": (CATEGORIES,)}
PROGRAMS = yaml.safe_load((Path(__file__).parent / "programs.yaml").read_text())


def schema_of(inputs: tuple[Field, ...] = (NUMBERS, CATEGORIES), classes: int = 2) -> Schema:
    if not classes:
        target = Field("value", "number", "float32", measure="price", mean=(5.0,), std=(2.0,))
        return Schema(inputs, (target,), (Field("value_scaled", "number", "float32", (1,)),))
    names = tuple(f"class {number}" for number in range(classes))
    target = Field("label", "category", "int64", classes=names)
    return Schema(inputs, (target,), (Field("logits", "logits", "float32", (classes,), names),))


def batch_of(schema: Schema, count: int = 12, weight: Tensor | None = None) -> Batch:
    generator = torch.Generator().manual_seed(0)
    fields: dict[str, Tensor] = {}
    for field in schema.inputs:
        if field.kind == "number":
            fields[field.name] = torch.randn(count, int(field.shape[0]), generator=generator)
        else:
            columns = [torch.randint(levels, (count,), generator=generator) for levels in field.levels]
            fields[field.name] = torch.stack(columns, dim=1)
    target = schema.targets[0]
    if target.classes:
        fields[target.name] = torch.arange(count) % len(target.classes)
    else:
        fields[target.name] = torch.randn(count, generator=generator)
    return Batch(fields, {}, np.arange(count, dtype=np.uint64), weight)


def call(model: nn.Module, schema: Schema, batch: Batch) -> Tensor:
    answers: Tensor = model(*(batch.fields[field.name] for field in schema.inputs))
    return answers


def loss_of(settings: dict[str, Any], schema: Schema, batch: Batch, model: nn.Module) -> Tensor:
    drafted = recipe.draft("table", ("quick",), settings)
    (objective,) = objectives.objectives(drafted, schema)
    (term,) = objective.loss(model, batch).terms.values()
    return term.sum / term.count


@pytest.mark.parametrize("classes", [0, 2, 5])
@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("inputs", INPUTS)
def test_it_answers_for_every_row_and_while_training_for_every_member(inputs, members, classes):
    schema = schema_of(INPUTS[inputs], classes)
    model = mlp.build(mlp.Options(width=8, members=members, normalization="batch", residual=True), schema)
    batch = batch_of(schema)
    wanted = (12, max(1, classes)) if members == 1 else (12, members, max(1, classes))
    assert call(model.train(), schema, batch).shape == wanted
    assert call(model.eval(), schema, batch).shape == (12, max(1, classes))


@pytest.mark.parametrize("classes", [0, 3])
def test_the_answer_is_the_mean_of_the_members_probabilities_or_numbers(classes):
    torch.manual_seed(0)  # by chance no unit of a narrow network answers to a row, and all members say the same
    schema, batch = schema_of(classes=classes), batch_of(schema_of(classes=classes))
    model = mlp.build(mlp.Options(width=32, members=5), schema)
    each, one = call(model.train(), schema, batch), call(model.eval(), schema, batch)
    assert each.std(dim=1).min() > 0, "members must differ from the first on"
    if classes:
        torch.testing.assert_close(one.softmax(1), each.softmax(2).mean(1))
    else:
        torch.testing.assert_close(one, each.mean(1))


def test_members_learn_as_if_each_were_alone_and_rows_do_not_mix():
    schema, batch = schema_of(), batch_of(schema_of())
    model = mlp.build(mlp.Options(width=8, members=3, dropout=0.0), schema).train()
    answers = call(model, schema, batch)
    by_hand = torch.stack([functional.cross_entropy(answers[:, m], batch.fields["label"]) for m in range(3)]).mean()
    torch.testing.assert_close(loss_of({"loss": "cross_entropy"}, schema, batch, model), by_hand)
    alone = {name: values[:1] for name, values in batch.fields.items()}
    torch.testing.assert_close(call(model, schema, Batch(alone, {}, batch.keys[:1])), answers[:1])


def test_what_weighs_nothing_is_not_learned_and_counts_are_known_ahead():
    schema = schema_of(classes=0)
    weight = torch.tensor([1.0] * 6 + [0.0] * 6)
    batch = batch_of(schema, weight=weight)
    half = Batch({name: values[:6] for name, values in batch.fields.items()}, {}, batch.keys[:6])
    model = mlp.build(mlp.Options(width=8, members=3), schema).train()
    weighted, bare = (loss_of({"loss": "mse"}, schema, one, model) for one in (batch, half))
    torch.testing.assert_close(weighted, bare)
    (objective,) = objectives.objectives(recipe.draft("table", ("quick",), {"loss": "mse"}), schema)
    assert objective.counts is not None
    for one in (batch, half):
        assert objective.counts(one)["mse"] == pytest.approx(objective.loss(model, one).terms["mse"].count)


def test_only_factors_biases_and_last_layers_grow_with_the_members():
    schema = schema_of((PLAIN,))
    sizes = [sum(p.numel() for p in mlp.build(mlp.Options(members=k), schema).parameters()) for k in (8, 16)]
    one = sum(p.numel() for p in mlp.build(mlp.Options(), schema).parameters())
    layers = ((3, 256), (256, 256))
    assert sizes[1] - sizes[0] == 8 * (sum(i + 2 * o for i, o in layers) + 256 * 2 + 2)
    assert sizes[0] < 1.2 * one


def test_one_unit_and_its_sigmoid_are_the_same_program_as_two_classes():
    schema, batch = schema_of(), batch_of(schema_of())
    model = mlp.build(mlp.Options(width=8, one_unit=True), schema)
    logits = call(model, schema, batch)
    chance = (logits[:, 1] - logits[:, 0]).sigmoid()
    torch.testing.assert_close(logits.exp().sum(1), torch.ones(12))
    by_hand = functional.binary_cross_entropy(chance, batch.fields["label"].float())
    torch.testing.assert_close(loss_of({"loss": "bce"}, schema, batch, model), by_hand)


@pytest.mark.parametrize("function", ["sigmoid", "relu", "softplus"])
def test_an_output_function_makes_shares_of_classes_and_numbers_themselves(function):
    schema, batch = schema_of(classes=3), batch_of(schema_of(classes=3))
    torch.manual_seed(0)
    bare = call(mlp.build(mlp.Options(width=8), schema), schema, batch)
    torch.manual_seed(0)
    found = call(mlp.build(mlp.Options(width=8, output=function), schema), schema, batch)
    shares = getattr(torch, function, getattr(functional, function))(bare).clamp(mlp.LEAST, 1 - mlp.LEAST)
    torch.testing.assert_close(found.softmax(1), shares / shares.sum(1, keepdim=True), atol=1e-6, rtol=1e-4)
    numbers = schema_of(classes=0)
    answers = call(mlp.build(mlp.Options(width=8, output=function), numbers), numbers, batch_of(numbers))
    assert answers.min() >= 0


@pytest.mark.parametrize("members", [1, 8])
@pytest.mark.parametrize("classes", [0, 2, 10])
def test_the_first_loss_is_near_chance(classes, members):
    schema = schema_of(classes=classes)
    torch.manual_seed(0)
    model = mlp.build(mlp.Options(members=members), schema).train()
    name = "cross_entropy" if classes else "mse"
    found = loss_of({"loss": name}, schema, batch_of(schema, 2000), model).item()
    assert found == pytest.approx(objectives.chance(schema), rel=0.15)


def test_a_number_in_pieces_bends_where_a_layer_alone_is_straight():
    schema, x = schema_of((NUMBERS,), 0), torch.zeros(201, 3)
    x[:, 0] = torch.linspace(-3, 3, 201)
    bends = {}
    for pieces, inputs in ((16, (NUMBERS,)), (1, (PLAIN,))):
        torch.manual_seed(0)
        model = mlp.build(mlp.Options(depth=0, pieces=pieces), schema_of(inputs, 0))
        bends[pieces] = model(x).squeeze(1).detach().diff().diff().abs().max().item()
    assert bends[16] > 1e-3
    assert bends[1] < 1e-5
    assert schema.inputs[0].bins


@pytest.mark.parametrize(
    ("options", "classes", "sentence"),
    [
        ({"one_unit": True}, 3, "there are 3"),
        ({"one_unit": True}, 0, "a number is wanted"),
        ({"depth": 0, "members": 4}, 2, "there are none"),
        ({"depth": 3, "activations": ("relu", "tanh")}, 2, "2 activations for 3 hidden layers"),
    ],
)
def test_options_that_do_not_fit_are_said(options, classes, sentence):
    with pytest.raises(RecipeError, match=sentence) as error:
        mlp.build(mlp.Options(**options), schema_of(classes=classes))
    assert error.value.do


@pytest.mark.parametrize(("loss", "classes", "kind"), [("cross_entropy", 0, "classes"), ("huber", 2, "numbers")])
def test_a_loss_for_the_other_kind_of_target_is_refused(loss, classes, kind):
    drafted = recipe.draft("table", ("quick",), {"loss": loss})
    with pytest.raises(RecipeError, match=f"{loss} is for {kind}") as error:
        objectives.objectives(drafted, schema_of(classes=classes))
    assert objectives.fitting("category" if classes else "number") in error.value.do


def test_an_automatic_loss_follows_the_target_and_a_named_one_stays():
    drafted = recipe.draft("table", ("default",))
    for classes in (0, 3):
        schema = schema_of(classes=classes)
        prepared: Any = type("Prepared", (), {"columns": batch_of(schema).fields})
        decided = choose.choose(drafted, prepared, prepared, 0)
        name = objectives.fitting(schema.targets[0].kind)
        assert decided["loss.name"][0] == name
        settled = recipe.with_values(drafted, decided)
        assert settled.name("loss") == name
        assert objectives.objectives(settled, schema)
    assert not choose.choose(recipe.draft("table", ("default",), {"loss": "mae"}), prepared, prepared, 0)


def test_the_exported_network_answers_as_the_trained_one():
    schema, batch = schema_of(classes=3), batch_of(schema_of(classes=3))
    model = mlp.build(mlp.Options(width=8, members=4, normalization="batch"), schema).eval()
    arrays = [batch.fields[field.name].numpy() for field in schema.inputs]
    made = onnx_bytes("model", objectives.networks(model, schema)["model"], arrays)
    session = onnxruntime.InferenceSession(made)
    for count in (1, 3, 12):
        few = {one.name: array[:count] for one, array in zip(session.get_inputs(), arrays, strict=True)}
        with torch.no_grad():
            wanted = call(model, schema, batch)[:count]
        np.testing.assert_allclose(session.run(None, few)[0], wanted.numpy(), atol=1e-5)


@pytest.mark.parametrize("program", PROGRAMS, ids=[one["programs"][0] for one in PROGRAMS])
def test_programs_that_people_wrote_are_recipes(program):
    layers = {
        section: {"name": "mlp", **values} if section == "model" else values
        for section, values in program["recipe"].items()
    }
    settings = {f"{section}.{name}": value for section, values in layers.items() for name, value in values.items()}
    drafted = recipe.draft("table", ("classic",), {"schedule": "constant", **settings})
    schema = schema_of((PLAIN,), program["classes"])
    model = building.build_model(drafted, discovery.task("table"), schema).train()
    (objective,) = building.build_objectives(drafted, discovery.task("table"), schema)
    assert building.build_turns(drafted, (objective,), model)
    hidden = [one for one in model.modules() if isinstance(one, nn.Linear)]
    assert [one.out_features for one in hidden[:-1]] == list(drafted.values["model"]["widths"])
    (term,) = objective.loss(model, batch_of(schema)).terms.values()
    assert term.sum.requires_grad
    assert math.isfinite(term.sum.item()) or drafted.values["model"]["activation"] == "exp"  # which explodes, as there
    assert program["recipe"]["optimizer"]["learning_rate"] == drafted.options("optimizer").learning_rate
