"""The models, head and objective of image classification: shapes, counts of weights, errors, losses, export."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from stepwell.backbones import resnet, vgg
from stepwell.errors import RecipeError
from stepwell.losses import cross_entropy
from stepwell.schema import Batch, Field, Schema
from stepwell.tasks.image_classification import heads, objectives
from stepwell.tasks.image_classification.models import cnn, mlp


def schema_of(channels: int = 1, height: int | str = 28, width: int | str = 28, classes: int = 10) -> Schema:
    names = tuple(f"class {number}" for number in range(classes))
    return Schema(
        (Field("image", "image", "uint8", (channels, height, width), mean=(0.0,) * channels, std=(255.0,) * channels),),
        (Field("label", "category", "int64", classes=names),),
        (Field("logits", "logits", "float32", (classes,), classes=names),),
    )


def batch_of(schema: Schema, count: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(0)
    shape = schema.inputs[0].shape
    image = torch.randint(0, 256, (count, *(int(size) for size in shape)), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % len(schema.targets[0].classes)
    return Batch({"image": image, "label": labels}, {}, np.arange(count, dtype=np.uint64))


def weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


MODELS = {
    "mlp": lambda schema: mlp.build(mlp.Options(), schema),
    "mlp with everything": lambda schema: mlp.build(
        mlp.Options(widths=(20, 20), activation="selu", normalization="layer", dropout=0.1, residual=True), schema
    ),
    "linear": lambda schema: mlp.build(mlp.Options(depth=0), schema),
    "cnn": lambda schema: cnn.build(cnn.Options(), schema),
    "cnn with everything": lambda schema: cnn.build(
        cnn.Options(filters=(4, 6, 8), dense=(), kernel=5, activation="gelu", normalization="batch", dropout=0.1),
        schema,
    ),
    "resnet": lambda schema: heads.attach(resnet.build(resnet.Options(depth=8), schema.inputs[0]), schema),
    "vgg": lambda schema: heads.attach(vgg.build(vgg.Options(width=4), schema.inputs[0]), schema),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [(1, 28, 28), (3, 17, 31), (1, 8, 8)])
def test_bytes_become_one_logit_a_class_and_the_loss_reaches_every_weight(name, size):
    torch.manual_seed(0)
    schema = schema_of(*size, classes=4)
    model = MODELS[name](schema)
    for module in model.modules():
        if isinstance(module, resnet.Block):  # a residual that begins at 0 passes nothing back inside
            nn.init.ones_(module.residual[-1].weight)
    batch = batch_of(schema)
    logits = model(batch.fields["image"])
    assert logits.shape == (6, 4)
    nn.functional.cross_entropy(logits, batch.fields["label"]).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


@pytest.mark.parametrize("name", ["cnn", "resnet", "vgg"])
def test_channels_last_is_the_same_function(name):
    torch.manual_seed(0)
    schema = schema_of(3, 16, 20)
    model = MODELS[name](schema).eval()
    image = batch_of(schema).fields["image"]
    expected = model(image)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(
        model(image.contiguous(memory_format=torch.channels_last)), expected, atol=1e-5, rtol=1e-4
    )


def test_the_textbook_network_has_the_textbook_number_of_weights():
    schema = schema_of()
    assert weights(cnn.build(cnn.Options(), schema)) == 421_642
    assert weights(cnn.build(cnn.Options(padding="valid"), schema)) == 225_034
    assert weights(mlp.build(mlp.Options(widths=(128,)), schema)) == 101_770
    assert weights(mlp.build(mlp.Options(depth=0), schema)) == 7_850


def test_filters_and_widths_take_the_place_of_depth_and_width():
    schema = schema_of()
    assert weights(cnn.build(cnn.Options(depth=3, width=8), schema)) == weights(
        cnn.build(cnn.Options(filters=(8, 16, 32)), schema)
    )
    assert weights(mlp.build(mlp.Options(depth=3, width=8), schema)) == weights(
        mlp.build(mlp.Options(widths=(8, 8, 8)), schema)
    )


def test_pooling_that_leaves_nothing_is_said_with_the_way_out():
    with pytest.raises(RecipeError, match="after convolution 4 of 5 leaves nothing of 8x8 pixels") as caught:
        cnn.build(cnn.Options(depth=5), schema_of(1, 8, 8))
    assert "--model.depth 3" in caught.value.do
    cnn.build(cnn.Options(depth=3), schema_of(1, 8, 8))
    with pytest.raises(RecipeError) as caught:
        cnn.build(cnn.Options(padding="valid"), schema_of(1, 8, 8))
    assert "--model.padding same" in caught.value.do
    with pytest.raises(RecipeError) as caught:
        cnn.build(cnn.Options(), schema_of(1, 1, 1))
    assert "--model.depth" not in caught.value.do
    assert "--model mlp" in caught.value.do


@pytest.mark.parametrize("module", [cnn, mlp])
def test_pictures_of_many_sizes_are_refused_where_layers_are_dense(module):
    with pytest.raises(RecipeError, match="pictures of one size"):
        module.build(module.Options(), schema_of(3, "height", "width"))


def test_backbones_take_pictures_of_many_sizes():
    schema = schema_of(3, "height", "width")
    model = heads.attach(vgg.build(vgg.Options(width=2), schema.inputs[0]), schema).eval()
    for size in (33, 70):
        assert model(torch.zeros(2, 3, size, size, dtype=torch.uint8)).shape == (2, 10)


def test_zero_initialization_keeps_units_alike():
    model = mlp.build(mlp.Options(initialization="zeros", initial_bias=0.5), schema_of())
    batch = batch_of(schema_of())
    nn.functional.cross_entropy(model(batch.fields["image"]), batch.fields["label"]).backward()
    gradient = model[-1].weight.grad
    assert torch.equal(gradient, gradient[:, :1].expand_as(gradient))


class Recipe:
    """As much of a recipe as an objective asks for."""

    def __init__(self, options: cross_entropy.Options) -> None:
        self._options = options

    def name(self, section: str) -> str:
        return {"loss": "cross_entropy"}[section]

    def options(self, section: str) -> Any:
        return {"loss": self._options}[section]

    def module(self, section: str) -> Any:
        return {"loss": cross_entropy}[section]


def test_the_first_loss_under_a_head_is_that_of_a_guess():
    schema = schema_of(3, 32, 32)
    for name in ("vgg", "resnet"):
        torch.manual_seed(0)
        (objective,) = objectives.objectives(Recipe(cross_entropy.Options()), schema)
        term = objective.loss(MODELS[name](schema), batch_of(schema, 20)).terms["cross_entropy"]
        assert term.sum.item() / term.count == pytest.approx(objectives.chance(schema), rel=0.05)
    assert objectives.chance(schema) == pytest.approx(math.log(10))


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 0.0, 2.0, 1.0, 1.0, 0.5])])
def test_the_objective_is_the_loss_of_the_recipe_over_all_parameters_with_true_counts(weight):
    schema = schema_of()
    model = MODELS["cnn"](schema)
    options = cross_entropy.Options(label_smoothing=0.2)
    (objective,) = objectives.objectives(Recipe(options), schema)
    batch = batch_of(schema)
    batch = Batch(batch.fields, {}, batch.keys, weight)
    term = objective.loss(model, batch).terms["cross_entropy"]
    expected = cross_entropy.term(options, model(batch.fields["image"]), batch.fields["label"], weight)
    assert (term.sum.item(), term.count) == (pytest.approx(expected.sum.item()), expected.count)
    assert objective.counts(batch) == {"cross_entropy": expected.count}
    assert objective.name == "model"
    assert list(objective.parameters(model)) == list(model.parameters())


def test_the_network_of_the_artifact_is_the_model_from_pixels_to_logits():
    schema = schema_of()
    model = MODELS["cnn"](schema)
    (network,) = objectives.networks(model, schema).values()
    assert network.module is model
    assert (network.inputs, network.outputs) == (schema.inputs, schema.outputs)


def test_the_exported_network_answers_alike_for_any_batch_size(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    schema = schema_of(1, 8, 8)
    torch.manual_seed(0)
    model = MODELS["vgg"](schema).eval()
    image = batch_of(schema).fields["image"]
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            model, (image,), str(path), dynamo=False, input_names=["image"], dynamic_axes={"image": {0: "batch"}}
        )
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for count in (1, 3, 6):
        (answer,) = session.run(None, {"image": image[:count].numpy()})
        torch.testing.assert_close(torch.from_numpy(answer), model(image[:count]).detach(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["mlp with everything", "cnn with everything", "resnet", "vgg"])
def test_every_model_can_be_captured_whole(name):
    """torch.export refuses a forward pass that branches on values; the real export is tried with the artifact."""
    schema = schema_of(1, 8, 8)
    model = MODELS[name](schema).eval()
    image = batch_of(schema).fields["image"]
    captured = torch.export.export(
        model, (image,), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=False
    ).module()
    torch.testing.assert_close(captured(image[:3]), model(image[:3]))
