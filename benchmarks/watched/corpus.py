"""Healthy trainings, drawn: each case says its problem, network, optimizer and loop, and is a function of its number.

Two corpora that share no problem and no case: of `tuning` false alarms may be looked into, and mended in the
diagnoses; `set_aside` is only counted. What is drawn are settings that people use; whether a run is healthy is decided
by a rule that knows nothing of the doctor (`verdict`), and a run that is not is listed apart.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

TABLES = {"tuning": ["digits", "wine", "moons", "clusters"], "set_aside": ["fashion", "adult", "nsl_kdd", "spirals"]}
NUMBERS = {"tuning": ["diabetes", "friedman1"], "set_aside": ["california", "friedman2", "friedman3", "surface"]}
MAPS = {"tuning": ["digit_maps"], "set_aside": ["fashion_maps", "shapes"]}
STEPS = {
    "tuning": ["digit_rows", "trends", "waves", "volumes", "snippets", "sentences", "german_captions"],
    "set_aside": ["fashion_rows", "frequencies", "oil_temperature", "reviews", "captions"],
}
SAME = {"tuning": ["flower", "digits_same"], "set_aside": ["china", "fashion_same", "word_vectors"]}
PICTURES = {"tuning": ["flower", "digits_same"], "set_aside": ["china", "fashion_same"]}
RINGS = {"tuning": ["ring4", "ring6", "ring8"], "set_aside": ["ring5", "ring7", "ring9"]}
TEXTS = ("snippets", "reviews", "sentences", "german_captions", "captions")
MIXED = {name: [*TABLES[name], *NUMBERS[name], *MAPS[name], *STEPS[name][:2]] for name in TABLES}
LABELED = {name: [*TABLES[name], *MAPS[name], STEPS[name][0]] for name in TABLES}

FAMILIES: dict[str, Mapping[str, list[str]]] = {
    "mlp": TABLES,
    "regression": NUMBERS,
    "cnn": MAPS,
    "cnn_norm": MAPS,
    "resnet": MAPS,
    "lstm": STEPS,
    "gru": STEPS,
    "transformer": STEPS,
    "autoencoder": SAME,
    "vae": PICTURES,
    "gan": RINGS,
    "fine_tuned": MAPS,
    "frozen": MAPS,
    "finished": MIXED,
    "noisy": LABELED,
    "tiny": LABELED,
    "large_batch": MIXED,
    "bf16": MIXED,
}
EACH = {"tuning": 30, "set_aside": 22}  # cases of each family
FEWER = {"gan": 8}  # of families whose cases take long
DAILY = 3

SHARES = {"vae": 0.5, "gan": 0.5}
SHARE = 0.8  # of the reference's skill that a healthy run reaches
KEPT = 0.05  # of skill that a healthy run may have lost since its best validation
LEAST = 0.05  # skill that a reference must have for a problem to be one that can be learnt


def cases(corpus: str, *, daily: bool = False) -> list[dict[str, Any]]:
    """Every case of a corpus, or the first few of each family."""
    each = DAILY if daily else EACH[corpus]
    return [
        case(corpus, family, number)
        for number in range(each)
        for family in FAMILIES
        if number < FEWER.get(family, each)
    ]


def case(corpus: str, family: str, number: int) -> dict[str, Any]:
    """One case, drawn from its name alone."""
    draw = random.Random(f"{corpus} {family} {number}")  # noqa: S311 - nothing secret
    problems = FAMILIES[family][corpus]
    problem = problems[number % len(problems)]
    net = _net(draw, family, problem, corpus)
    batch = draw.choice([16, 32, 64])
    drawn: dict[str, Any] = {
        "id": f"{family}-{number:02d}",
        "family": family,
        "problem": problem,
        "seed": draw.randrange(2**16),
        "net": net,
        "batch": batch,
        "epochs": draw.choice([10, 16, 24]),
        "most_steps": draw.choice([250, 400, 600] if net["is"] in ("mlp", "autoencoder", "vae") else [240, 320]),
        "schedule": draw.choice(["", "", "cosine", "warm_up", "steps"]),
        "clip": draw.choice([0.0, 0.0, 1.0, 5.0]),
        "told": draw.choice(["all", "all", "steps", "nothing"]),
        "feed": draw.choice(["loader", "permutation"]),
        "loss": draw.choice(["module", "function"]),
    }
    if problem in TEXTS:
        drawn.update(batch=32, most_steps=300)
    drawn["optimizer"] = _optimizer(draw, net["is"])
    drawn.update(_special(draw, family))
    return drawn


def _net(draw: random.Random, family: str, problem: str, corpus: str) -> dict[str, Any]:
    activation = draw.choice(["relu", "relu", "relu_in_place", "leaky_relu", "elu", "gelu", "silu", "tanh"])
    dropout = draw.choice([0.0, 0.0, 0.1, 0.25])
    if family in ("autoencoder", "vae"):
        latent = draw.choice([4, 8, 12])
        if family == "vae":
            return {"is": "vae", "hidden": draw.choice([64, 128, 256]), "latent": latent}
        if problem != "word_vectors" and draw.random() < 0.5:
            return {"is": "conv_autoencoder", "channels": draw.choice([8, 16]), "latent": latent, "activation": "relu"}
        return {"is": "autoencoder", "hidden": draw.choice([64, 128, 256]), "latent": latent, "activation": activation}
    if family == "gan":
        return {"is": "gan", "hidden": 64, "noise": draw.choice([2, 4, 8])}
    if problem in MAPS[corpus]:
        if family == "resnet" or (family not in ("cnn", "cnn_norm") and draw.random() < 0.4):
            return {"is": "resnet", "channels": draw.choice([[8, 16], [12, 24], [16, 32]]), "blocks": 1}
        norm = family == "cnn_norm" or (family != "cnn" and draw.random() < 0.5)
        channels = draw.choice([[8, 16], [12, 24], [16], [16, 32]])
        return {"is": "cnn", "channels": channels, "activation": activation, "norm": norm, "dropout": dropout}
    if problem in STEPS[corpus]:
        if family == "transformer" or (family not in ("lstm", "gru") and draw.random() < 0.4):
            return {
                "is": "attending",
                "size": draw.choice([24, 32, 48]),
                "heads": draw.choice([2, 4]),
                "layers": draw.choice([1, 2]),
                "first": draw.random() < 0.5,
                "dropout": draw.choice([0.0, 0.1]),
                "activation": draw.choice(["relu", "gelu"]),
            }
        cell = family if family in ("lstm", "gru") else draw.choice(["lstm", "gru"])
        layers = draw.choice([1, 1, 2])
        ends = "largest" if problem in TEXTS else draw.choice(["last", "largest"])
        return {
            "is": "recurrent",
            "cell": cell,
            "hidden": draw.choice([32, 48, 64]),
            "layers": layers,
            "ends": ends,
            "dropout": dropout,
        }
    sizes = draw.choice([[32], [64], [128], [64, 64], [128, 64], [64, 32, 16], [128, 128, 64], [48, 48, 48, 48]])
    return {
        "is": "mlp",
        "sizes": sizes,
        "activation": activation,
        "norm": draw.random() < 0.25,
        "dropout": dropout if max(sizes) >= 64 else 0.0,
    }


def _optimizer(draw: random.Random, kind: str) -> dict[str, Any]:
    name = draw.choice(["adam", "adam", "adamw", "sgd", "rmsprop"])
    if kind in ("attending", "recurrent", "vae", "conv_autoencoder", "autoencoder"):
        name = draw.choice(["adam", "adam", "adamw"])
    if name == "sgd":
        return {"name": name, "lr": draw.choice([0.01, 0.02, 0.05]), "momentum": 0.9}
    rates = {"recurrent": [3e-3, 5e-3, 1e-2], "attending": [1e-3, 2e-3, 3e-3]}.get(kind, [1e-3, 2e-3, 5e-3])
    return {"name": name, "lr": draw.choice(rates[:2] if name == "rmsprop" else rates)}


def _special(draw: random.Random, family: str) -> dict[str, Any]:
    """What makes a family what it is, over what was drawn for all."""
    if family == "gan":
        rate = draw.choice([2e-3, 3e-3])
        return {
            "optimizer": {"name": "adam", "lr": rate, "betas": [0.5, 0.9]},
            "batch": 128,
            "most_steps": 1000,
            "watches": draw.choice(["generator", "discriminator"]),
            "schedule": "",
            "clip": 0.0,
        }
    if family == "fine_tuned":
        return {"before": "other_classes", "slower": draw.choice([0.2, 0.5])}
    if family == "frozen":
        return {
            "before": "other_classes",
            "slower": 3.0,
            "frozen": draw.choice(["not_given", "given"]),
            "body_evaluates": draw.random() < 0.5,
        }
    if family == "finished":
        return {"before": "trained", "slower": draw.choice([0.05, 0.2])}
    if family == "noisy":
        return {"noise": draw.choice([0.1, 0.2, 0.3])}
    if family == "tiny":
        return {"rows": draw.choice([60, 100, 150]), "batch": draw.choice([8, 16, 32]), "epochs": 60, "most_steps": 300}
    if family == "large_batch":
        return {"batch": draw.choice([512, 1024, 4096]), "epochs": 150, "most_steps": draw.choice([150, 250])}
    return {"precision": "bf16"} if family == "bf16" else {}


def verdict(case: Mapping[str, Any], ended: Mapping[str, Any]) -> str:
    """Why a run is not healthy, "" where it is: by its skill on held-out rows against the reference's and its own."""
    skill, best, reference = ended["skill"], ended["best"], ended["reference"]
    share = SHARES.get(case["family"], SHARE)
    if reference < LEAST:
        return f"the reference has a skill of {reference:.2f}: there is nothing to learn"
    if not skill >= share * reference:
        return f"skill {skill:.2f}, under {share:g} of the reference's {reference:.2f}"
    if skill < best - KEPT:
        return f"skill {skill:.2f}, after it had been {best:.2f}"
    return ""
