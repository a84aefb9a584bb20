"""Programs drawn by chance, each healthy and then with one fault of a drawn strength: no threshold was chosen on them.

They are built by the `lab.py` of the folder that `--cases` names, in its grammar: `BASES` are healthy programs of every
kind that it builds, `FAULTS` say what each fault changes in one of them, `None` where it cannot be made there. What is
drawn follows from the name of the fault and a number alone.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Case = dict[str, Any]
Changes = Mapping[str, Any]
SURE = 0.1  # of the metric, under which a healthy twin must not lie, of what its base is known to reach


def adam(rate: float, **settings: Any) -> Case:
    """Adam in the grammar of the programs."""
    return {"name": "adam", "lr": rate, **settings}


def sgd(rate: float, momentum: float = 0.9, **settings: Any) -> Case:
    """Gradient descent with momentum."""
    return {"name": "sgd", "lr": rate, "momentum": momentum, **settings}


def base(task: str, data: Case, model: Case, loss: str, optimizer: Case, **rest: Any) -> Case:
    """A healthy program; `reach` is what it is known to reach."""
    return {"task": task, "data": data, "model": model, "loss": loss, "optimizer": optimizer, "loop": {}, **rest}


def perceptron(widths: Sequence[int], act: str, **rest: Any) -> Case:
    """Dense layers."""
    return {"kind": "mlp", "hidden": list(widths), "act": act, **rest}


DIGITS = {"gen": "digits", "prep": "div16"}
PICTURES = {"gen": "digits_img", "prep": "div16"}
NUMBERS = {"prep": "std", "yprep": "std"}
BASES: dict[str, Case] = {
    "wine": base(
        "multiclass",
        {"gen": "wine", "prep": "std"},
        perceptron([32], "relu"),
        "ce_logits",
        adam(0.004),
        batch=16,
        epochs=32,
        reach=0.95,
    ),
    "cancer": base(
        "binary",
        {"gen": "cancer", "prep": "std"},
        perceptron([24, 24], "tanh", nout=1),
        "bce_logits",
        adam(0.004),
        batch=32,
        epochs=24,
        reach=0.94,
    ),
    "five": base(
        "multiclass",
        {
            "gen": "classification",
            "n": 1800,
            "features": 20,
            "informative": 10,
            "classes": 5,
            "sep": 1.6,
            "prep": "std",
        },
        perceptron([64, 48], "relu"),
        "ce_logits",
        adam(0.003),
        batch=48,
        epochs=15,
        reach=0.8,
    ),
    "moons": base(
        "binary",
        {"gen": "moons", "n": 1000, "noise": 0.12},
        perceptron([32, 16], "gelu"),
        "ce_logits",
        adam(0.01),
        batch=40,
        epochs=18,
        reach=0.97,
    ),
    "rings": base(
        "binary",
        {"gen": "circles", "n": 1100, "noise": 0.07, "factor": 0.45},
        perceptron([32, 32], "relu", nout=1, out_act="sigmoid"),
        "keras_bce",
        adam(0.006),
        batch=40,
        epochs=18,
        reach=0.97,
    ),
    "friedman": base(
        "regression",
        {"gen": "friedman1", "n": 1000, **NUMBERS},
        perceptron([48, 32], "tanh", nout=1),
        "mse",
        sgd(0.04),
        batch=32,
        epochs=18,
        reach=0.88,
    ),
    "wave": base(
        "regression",
        {"gen": "wave", "n": 900, **NUMBERS},
        perceptron([48, 48, 32], "relu", nout=1),
        "mse",
        adam(0.01),
        batch=32,
        epochs=28,
        reach=0.9,
    ),
    "linear": base(
        "regression",
        {"gen": "regression", "n": 900, "features": 15, **NUMBERS},
        perceptron([32, 32], "silu", nout=1),
        "mse",
        adam(0.004),
        batch=32,
        epochs=18,
        reach=0.93,
    ),
    "normed": base(
        "multiclass",
        DIGITS,
        perceptron([64, 48], "relu", norm="bn", dropout=0.2),
        "ce_logits",
        sgd(0.05),
        batch=48,
        epochs=12,
        reach=0.93,
    ),
    "residual": base(
        "multiclass",
        {"gen": "digits", "prep": "std"},
        {"kind": "mlp", "width": 40, "depth": 6, "act": "gelu", "norm": "ln", "residual": True},
        "ce_logits",
        {"name": "adamw", "lr": 0.002, "wd": 0.01},
        batch=48,
        epochs=12,
        reach=0.9,
    ),
    "cnn": base(
        "multiclass",
        PICTURES,
        {"kind": "cnn", "conv": [12, 24], "hidden": [40], "act": "relu"},
        "ce_logits",
        adam(0.004),
        batch=48,
        epochs=12,
        reach=0.9,
    ),
    "cnn_norm": base(
        "multiclass",
        PICTURES,
        {"kind": "cnn", "conv": [12, 24], "hidden": [40], "act": "relu", "norm": "bn", "dropout": 0.1},
        "ce_logits",
        sgd(0.03),
        batch=48,
        epochs=10,
        reach=0.92,
    ),
    "coder": base(
        "autoencoder",
        DIGITS,
        {"kind": "autoencoder", "hidden": [64, 16, 64], "act": "tanh"},
        "mse",
        adam(0.004),
        batch=48,
        epochs=20,
        reach=0.7,
    ),
    "gru": base(
        "binary",
        {"gen": "seq_sum", "n": 900, "T": 20},
        {"kind": "gru", "rnn_hidden": 20, "nout": 2},
        "ce_logits",
        adam(0.006),
        batch=32,
        epochs=15,
        reach=0.9,
    ),
    "lstm": base(
        "regression",
        {"gen": "sine_next", "n": 700, "T": 20},
        {"kind": "lstm", "rnn_hidden": 20, "nout": 1},
        "mse",
        adam(0.01),
        batch=32,
        epochs=20,
        reach=0.93,
    ),
    "transformer": base(
        "multiclass",
        {"gen": "tokens", "n": 1200, "T": 10, "V": 5},
        {"kind": "transformer", "d_model": 32, "V": 5, "nlayers": 2},
        "ce_logits",
        adam(0.003),
        batch=48,
        epochs=18,
        loop={"warmup": 20},
        reach=0.9,
    ),
}


def dense(case: Case) -> bool:
    """Whether it is a plain perceptron, none that normalizes or adds what it was given."""
    model = case["model"]
    return model["kind"] == "mlp" and not model.get("norm") and not model.get("residual")


def numeric(case: Case) -> bool:
    """Whether its inputs are numbers, not tokens."""
    return case["data"]["gen"] != "tokens"


def classes(case: Case) -> bool:
    """Whether it answers classes."""
    return case["task"] in ("binary", "multiclass")


def logits(case: Case) -> bool:
    """Whether its loss takes logits, one a class."""
    return case["loss"] == "ce_logits"


def recurrent(case: Case) -> bool:
    """Whether it reads a sequence step by step."""
    return case["model"]["kind"] in ("gru", "lstm", "rnn")


def adaptive(case: Case) -> bool:
    """Whether its optimizer scales each weight's steps."""
    return case["optimizer"]["name"] != "sgd"


def body(case: Case) -> str:
    """The name that the parameters before the last layer begin with."""
    return {"gru": "rnn", "lstm": "rnn", "transformer": "enc"}.get(case["model"]["kind"], "body")


Drawn = Callable[[random.Random, Any], Any]  # from what the program has at that place


def between(low: float, high: float) -> Drawn:
    """A number whose logarithm is drawn evenly, with two digits."""
    return lambda draw, _: float(f"{low * (high / low) ** draw.random():.2g}")


def times(low: float, high: float) -> Drawn:
    """What the program has, so many times."""
    return lambda draw, own: own * (high / low) ** draw.random() * low


def normal(low: float, high: float) -> Drawn:
    """Weights drawn from a normal distribution of a drawn deviation."""
    return lambda draw, _: f"normal{between(low, high)(draw, None)}"


def one_of(*values: Any) -> Drawn:
    """One of these."""
    return lambda draw, _: draw.choice(values)


def always(_: Case) -> bool:
    """In any program."""
    return True


def kind(*names: str) -> Callable[[Case], bool]:
    """Whether its network is of one of these kinds."""
    return lambda case: case["model"]["kind"] in names


def made(*names: str) -> Callable[[Case], bool]:
    """Whether its data are made by one of these."""
    return lambda case: case["data"]["gen"] in names


def task(*names: str) -> Callable[[Case], bool]:
    """Whether it is of one of these tasks."""
    return lambda case: case["task"] in names


def both(first: Callable[[Case], bool], second: Callable[[Case], bool]) -> Callable[[Case], bool]:
    """Whether both hold."""
    return lambda case: first(case) and second(case)


def normalized(case: Case) -> bool:
    """Whether it normalizes by batches."""
    return bool(case["model"].get("norm") == "bn")


def bare(case: Case) -> bool:
    """Whether it is dense or convolutional, and normalizes and drops nothing."""
    model = case["model"]
    return model["kind"] in ("mlp", "cnn", "autoencoder") and not model.get("norm") and not model.get("dropout")


def several(case: Case) -> bool:
    """Whether it has two dense layers and more before the last."""
    return len(case["model"].get("hidden", [])) > 1 or "depth" in case["model"]


FAULTS: dict[str, tuple[Callable[[Case], bool], Mapping[str, Any]]] = {
    "inputs_too_small": (bare, {"data.prep": "none", "data.scale": between(1e-6, 5e-4)}),
    "unscaled_inputs": (dense, {"data.prep": "none", "data.scale": between(50, 1000)}),
    "unscaled_targets": (task("regression"), {"data.yprep": "none", "data.yscale": between(50, 2000)}),
    "bad_init_bias": (dense, {"model.bias_init": one_of(-15.0, -8.0, -6.0, 8.0, 15.0)}),
    "bad_init_large": (bare, {"model.init": normal(1, 4)}),
    "bad_init_small": (dense, {"model.bias_init": 0.0, "model.init": normal(1e-5, 2e-3)}),
    "symmetric_init": (
        bare,
        {"model.bias_init": 0.0, "model.init": one_of("const0", "const0.05", "const0.1", "const0.3")},
    ),
    "bad_optimizer_setting": (
        always,
        {"optimizer": one_of(adam(0.003, eps=2.0), adam(0.003, eps=8.0), sgd(0.05, 0.999))},
    ),
    "batch_too_small": (both(dense, classes), {"batch": one_of(1, 2), "optimizer": one_of(sgd(0.05), sgd(0.2))}),
    "broadcast_loss": (task("regression"), {"loss": "mse_bcast"}),
    "class_imbalance": (
        both(task("binary"), made("moons", "circles", "seq_sum")),
        {"data.imbalance": between(0.004, 0.02)},
    ),
    "data_leak_rows": (task("binary", "multiclass", "regression"), {"data.leak": one_of(0.3, 0.5, 0.7, 0.9)}),
    "dead_relu": (dense, {"model.act": "relu", "model.bias_init": one_of(-3.0, -4.0, -6.0, -10.0)}),
    "disconnected_graph": (several, {"model.detach_at": 2}),
    "eval_mode_training": (normalized, {"loop.eval_mode_train": True, "data.scale": one_of(1.0, 2.0, 4.0)}),
    "excessive_dropout": (several, {"model.dropout": one_of(0.85, 0.9, 0.95)}),
    "frozen_params": (always, {"loop.freeze": lambda _, own: [own]}),
    "leak_feature": (both(classes, kind("mlp")), {"data.leak_feature": True}),
    "loss_output_mismatch": (logits, {"loss": "nll"}),
    "lr_too_high": (always, {"optimizer.lr": times(50, 500)}),
    "lr_too_low": (always, {"optimizer.lr": times(1e-5, 2e-3)}),
    "missing_nonlinearity": (made("moons", "circles", "friedman1", "wave"), {"model.act": None}),
    "missing_zero_grad": (always, {"loop.zero_grad": False}),
    "nan_in_data": (both(numeric, task("binary", "multiclass", "regression")), {"data.nan_rows": one_of(1, 3, 8)}),
    "over_regularised": (always, {"loop.l2": between(0.1, 2)}),
    "overfit": (
        made("classification", "friedman1"),
        {
            "data.ntrain": one_of(40, 60, 80),
            "data.flip": 0.2,
            "data.noise": 4.0,
            "model.hidden": [256, 256],
            "model.act": "relu",
            "optimizer": adam(0.003),
            "epochs": 250,
        },
    ),
    "params_not_in_optimizer": (always, {"loop.not_in_opt": lambda _, own: [own]}),
    "rnn_vanishing_time": (
        both(recurrent, classes),
        {
            "data": one_of(*({"gen": "seq_first", "n": 700, "T": steps} for steps in (60, 80, 120))),
            "model": one_of(*({"kind": name, "rnn_hidden": 20, "nout": 2} for name in ("rnn", "rnn", "lstm"))),
        },
    ),
    "saturated_units": (dense, {"model.act": one_of("tanh", "sigmoid"), "model.init": normal(3, 6)}),
    "shuffled_labels": (task("binary", "multiclass", "regression"), {"data.label_shuffle": True}),
    "sign_flipped_loss": (logits, {"loss": "neg_ce"}),
    "single_unit_softmax": (
        both(task("binary"), kind("mlp")),
        {"model.nout": 1, "model.out_act": "softmax", "loss": "keras_bce"},
    ),
    "softmax_before_ce": (logits, {"model.out_act": "softmax"}),
    "too_few_epochs": (always, {"epochs": 1}),
    "train_mode_eval": (normalized, {"loop.val_train_mode": True, "model.dropout": one_of(0.3, 0.5)}),
    "transformer_no_warmup": (
        kind("transformer"),
        {"loop": {}, "model.pre_ln": False, "model.nlayers": one_of(3, 4, 6), "optimizer.lr": times(5, 20)},
    ),
    "underfit_capacity": (both(dense, task("multiclass")), {"model.hidden": [1], "model.act": "relu"}),
    "unshuffled_data": (both(classes, numeric), {"data.sorted": True}),
    "vanishing_gradient": (
        dense,
        {"model.hidden": one_of([16] * 10, [24] * 12, [32] * 16), "model.act": one_of("sigmoid", "sigmoid", "tanh")},
    ),
    "wrong_output_activation": (task("regression"), {"model.out_act": one_of("sigmoid", "relu")}),
}
"""Where each fault can be made, and what it puts at each place."""

ALSO = {
    "inputs_too_small": {"unscaled_inputs"},
    "dead_relu": {"bad_init_bias"},
    "saturated_units": {"bad_init_large"},
    "batch_too_small": {"lr_too_high"},
    "transformer_no_warmup": {"lr_too_high"},
    "bad_optimizer_setting": {"lr_too_low"},
}
"""Names that are as true of what is made: of raw columns made small some stay large beside others, units are silenced
by their biases, or made flat by large weights; a batch of one comes with a rate of its own, attention without a warm-up
at a higher one, and an epsilon of 2 makes every step short."""


def cases(numbers: Sequence[int]) -> Iterator[tuple[Case, Case]]:
    """For each fault and each number a program that has it, and its healthy twin."""
    for fault, (fits, changes) in FAULTS.items():
        for number in numbers:
            draw = random.Random(f"{fault} {number}")  # noqa: S311 - which programs are drawn is no secret
            name = draw.choice([one for one, case in BASES.items() if fits(case)])
            twin = _varied(draw, {**copy.deepcopy(BASES[name]), "number": number, "faults": []})
            ill = _changed(twin, changes, draw)
            yield (
                {**ill, "id": f"{fault}-{name}-{number}", "faults": [fault]},
                {**twin, "id": f"{name}-{fault}-{number}"},
            )


def _changed(case: Case, changes: Mapping[str, Any], draw: random.Random) -> Case:
    """The case with what lies at each path ("model.act") replaced."""
    ill = copy.deepcopy(case)
    for path, value in changes.items():
        *within, last = path.split(".")
        place = ill
        for one in within:
            place = place.setdefault(one, {})
        own = body(case) if last in ("freeze", "not_in_opt") else place.get(last)
        place[last] = copy.deepcopy(value(draw, own) if callable(value) else value)
    return ill


def _varied(draw: random.Random, case: Case) -> Case:
    """A base with widths, batch and rate drawn around its own."""
    model = case["model"]
    if "hidden" in model:
        model["hidden"] = [max(8, round(one * draw.uniform(0.75, 1.5))) for one in model["hidden"]]
    case["batch"] = round(case["batch"] * draw.uniform(0.75, 1.25))
    case["optimizer"]["lr"] *= draw.uniform(0.75, 1.33)
    return case
