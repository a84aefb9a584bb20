"""Recipes: layers over layers, every value with its origin, every mistake named at once, written and read back."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import recipe as recipes
from stepwell.errors import RecipeError, UsageError
from stepwell.recipe import Origin, Recipe

TASK = "toy_settings"

HEAD = """from __future__ import annotations
from dataclasses import dataclass
from typing import Annotated, Literal
from msgspec import Meta
@dataclass(frozen=True)
class Options:
"""

FILES = {
    "__init__.py": '"""Toy."""\n'
    'class TASK:\n    extra = "train"\n    truth = ()\n    objectives = ("generator", "critic")\n',
    "prepare.py": HEAD + "    side: Annotated[int, Meta(ge=1, le=64)] = 8\n",
    "objectives.py": "",
    "readers/table.py": HEAD + "    label: str = 'y'\n    columns: tuple[str, ...] = ()\n",
    "splits/thirds.py": HEAD + "    valid: Annotated[float, Meta(gt=0, lt=1)] = 0.2\n",
    "models/small.py": HEAD
    + "    depth: Annotated[int, Meta(ge=1, description='Layers.')] = 2\n"
    + "    widths: tuple[int, ...] | None = None\n"
    + "    norm: Literal['none', 'batch'] = 'none'\n"
    + "    weights: dict[str, float] | None = None\n"
    + "    kernel: Literal['auto'] | Annotated[int, Meta(ge=1)] | tuple[int, int] = 'auto'\n",
    "models/large_net.py": HEAD
    + "    depth: int = 20\n    drop: Annotated[float, Meta(ge=0, lt=1)] | Literal['auto'] = 'auto'\n",
    "models/heavy.py": "raise RuntimeError('imported though it was not chosen')\n",
    "models/twins.py": HEAD
    + "    low: float = 0\n    high: float = 1\n"
    + "    def __post_init__(self) -> None:\n"
    + "        if self.low >= self.high:\n            raise ValueError('low must be below high')\n",
    "losses/square.py": HEAD + "    scale: float = 1\n",
    "optimizers/push.py": HEAD + "    learning_rate: Annotated[float, Meta(gt=0)] = 0.1\n    momentum: float = 0\n",
    "schedules/constant.py": HEAD + "    pass\n",
    "augmentations/flip.py": HEAD + "    chance: Annotated[float, Meta(ge=0, le=1)] = 0.5\n",
    "augmentations/crop.py": HEAD + "    padding: int = 4\n",
    "augmentations/noise.py": HEAD + "    pass\n",
    "recipes/default.yaml": "split: thirds\nmodel: {name: small, depth: 3}\nloss: square\noptimizer: push\n"
    "augmentation: [flip]\nbudget: {epochs: 5}\n",
    "recipes/classic.yaml": "split: thirds\nmodel: small\noptimizer: {name: push, learning_rate: 1e-3}\n"
    "training: {warmup: 0.1}\nbudget: {time: 10m}\n",
    "recipes/ring.yaml": "recipe: ring\n",
}


@pytest.fixture(scope="module", autouse=True)
def _toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A task in a package of others, announced as pip would lay it down."""
    site = tmp_path_factory.mktemp("site")
    info = site / "toypack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toypack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[stepwell.tasks]\n{TASK} = toypack\n")
    for name, text in FILES.items():
        path = site / "toypack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sys.path.insert(0, str(site))
    yield
    sys.path.remove(str(site))
    for name in [name for name in sys.modules if name.partition(".")[0] == "toypack"]:
        del sys.modules[name]


def draft(*layers: str | Path, **settings: Any) -> Recipe:
    """A recipe of the toy task; `__` in a keyword stands for a dot."""
    return recipes.draft(TASK, layers or ("default",), {key.replace("__", "."): one for key, one in settings.items()})


def value(recipe: Recipe, path: str) -> Any:
    return recipes.flat(recipe)[path]


def refusal(*layers: str | Path, **settings: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        draft(*layers, **settings)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


# Layers and origins


def test_every_value_is_there_with_an_origin() -> None:
    recipe = draft(model__norm="batch")
    found = recipes.flat(recipe)
    assert found["model.name"] == "small"
    assert found["model.depth"] == 3
    assert found["model.norm"] == "batch"
    assert found["model.widths"] is None
    assert found["loss.scale"] == 1.0
    assert found["seed"] == 0
    assert found["reader.name"] == "auto"
    assert found["schedule.name"] == "constant"
    assert found["training.warmup"] == 0.0
    assert recipe.origins["model.depth"] == Origin("recipe", "default")
    assert recipe.origins["model.norm"] == Origin("flag", "--model.norm")
    assert recipe.origins["model.widths"] == Origin("default")
    assert recipe.origins["augmentation"] == Origin("recipe", "default")


def test_a_named_recipe_stands_on_component_defaults_alone() -> None:
    recipe = draft("classic")
    assert value(recipe, "model.depth") == 2
    assert value(recipe, "optimizer.learning_rate") == 0.001
    assert value(recipe, "augmentation") == []
    assert value(recipe, "budget.epochs") is None
    assert value(recipe, "budget.time") == 600.0


def test_later_recipes_lie_over_earlier_ones() -> None:
    recipe = draft("default", "classic")
    assert value(recipe, "model.depth") == 3
    assert value(recipe, "training.warmup") == 0.1


def test_a_file_stands_on_default_or_on_the_recipe_it_names(file: Path) -> None:
    file.write_text("model: {norm: batch}\n")
    assert value(draft(file), "model.depth") == 3
    file.write_text("recipe: classic\nmodel: {norm: batch}\n")
    recipe = draft(str(file))
    assert value(recipe, "model.depth") == 2
    assert value(recipe, "training.warmup") == 0.1
    assert recipe.origins["model.norm"] == Origin("recipe", str(file))


def test_recipes_in_a_ring_are_refused() -> None:
    assert "ring" in refusal("ring")


def test_another_component_drops_the_options_of_the_earlier_one() -> None:
    recipe = draft(model="large-net")
    assert recipe.name("model") == "large_net"
    assert value(recipe, "model.depth") == 20
    assert recipe.origins["model.depth"] == Origin("default")
    assert "model.norm" not in recipes.flat(recipe)


def test_the_same_component_keeps_them() -> None:
    assert value(draft(model="small"), "model.depth") == 3


def test_the_order_of_flags_does_not_matter() -> None:
    first = draft(model__depth="7", model="large_net")
    assert first == draft(model="large_net", model__depth="7")
    assert value(first, "model.depth") == 7


def test_arguments_are_values_or_mappings() -> None:
    recipe = recipes.draft(TASK, settings={"model": {"name": "small", "widths": (4, 2)}, "seed": 7}, kind="argument")
    assert value(recipe, "model.widths") == [4, 2]
    assert recipe.origins["seed"] == Origin("argument", "seed")


def test_only_what_is_chosen_is_imported() -> None:
    assert "heavy" in {one for section in recipes.sections(TASK) for room in section.rooms for one in names(room)}
    draft(model="large_net")
    assert "toypack.models.heavy" not in sys.modules


def names(room: str) -> tuple[str, ...]:
    from stepwell import discovery

    return discovery.names(room)


# Sections of many components


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"augmentation": "crop,flip"}, ["crop", "flip"]),
        ({"augmentation": "none"}, []),
        ({"augmentation__crop__padding": "2"}, ["flip", "crop"]),
        ({"augmentation": ["noise"]}, ["noise"]),
        ({"augmentation__noise": None}, ["flip", "noise"]),
        ({"augmentation": {"noise": {}, "flip": {"chance": 1}}}, ["noise", "flip"]),
    ],
)
def test_many_components_in_order(settings: dict[str, Any], expected: list[str]) -> None:
    recipe = draft(**settings)
    assert value(recipe, "augmentation") == expected
    assert [name for name, _, _ in recipe.components("augmentation")] == expected


def test_options_of_one_of_many() -> None:
    recipe = draft(augmentation__crop__padding="2")
    (_, _, flip), (_, crop_module, crop) = recipe.components("augmentation")
    assert (flip.chance, crop.padding) == (0.5, 2)
    assert crop_module.__name__ == "toypack.augmentations.crop"


def test_components_that_are_dropped_take_their_options_along(file: Path) -> None:
    file.write_text("augmentation: {flip: {chance: 1}, crop: {padding: 9}}\n")
    recipe = draft(file, augmentation="crop,noise")
    assert value(recipe, "augmentation") == ["crop", "noise"]
    assert value(recipe, "augmentation.crop.padding") == 9
    assert "augmentation.flip.chance" not in recipe.origins


# What differs between objectives


def test_settings_of_one_objective() -> None:
    recipe = draft(optimizer__critic__learning_rate="0.5", optimizer__momentum=0.9)
    assert recipe.options("optimizer").learning_rate == 0.1
    assert recipe.options("optimizer", "generator").learning_rate == 0.1
    critic = recipe.options("optimizer", "critic")
    assert (critic.learning_rate, critic.momentum) == (0.5, 0.9)
    assert recipe.origins["optimizer.critic.learning_rate"].kind == "flag"


def test_settings_of_an_objective_are_checked() -> None:
    text = refusal(optimizer__critic__learning_rate="-1", optimizer__critic__rate=1, optimizer__actor__momentum="1")
    assert "optimizer.critic.learning_rate: got '-1', wanted number > 0" in text
    assert "optimizer.critic.rate: there is no such setting" in text
    assert "optimizer.actor.momentum: there is no such setting" in text


# The budget


@pytest.mark.parametrize(("word", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("45", 45), ("1.5 h", 5400)])
def test_durations(word: str, seconds: float) -> None:
    assert value(draft(time=word), "budget.time") == seconds


def test_a_limit_of_a_later_layer_drops_the_earlier_ones() -> None:
    recipe = draft(time="10m")
    assert value(recipe, "budget.epochs") is None
    both = draft(time="10m", epochs="2")
    assert (value(both, "budget.time"), value(both, "budget.epochs")) == (600.0, 2)


def test_a_limit_completed_later_drops_none() -> None:
    recipe = recipes.with_values(draft(time="10m"), {"budget.steps": (120, "5 s a step")})
    assert (value(recipe, "budget.time"), value(recipe, "budget.steps")) == (600.0, 120)


def test_no_limit_at_all_is_refused() -> None:
    assert "nothing says how long to train" in refusal(epochs="none")


# Mistakes


def test_all_mistakes_are_named_at_once() -> None:
    text = refusal(
        model__depth="deep",
        model__dephts="1",
        trainig__warmup="0.1",
        training__warmup="2",
        optimizer="pusch",
        time="soon",
        seed="-1",
        augmentation="flip,cropp",
    )
    assert "8 settings do not fit" in text
    assert "model.depth: got 'deep', wanted whole number >= 1 (--model.depth)" in text
    assert "model.dephts: there is no such setting. Did you mean 'depth'" in text
    assert "there is no section trainig. Did you mean 'training'?" in text
    assert "training.warmup: got '2', wanted number >= 0 and <= 1" in text
    assert "optimizer.name: There is no 'pusch'" in text
    assert "Did you mean 'push'" in text
    assert "budget.time: got 'soon', wanted duration such as 90s, 10m or 1h30m or none (--time)" in text
    assert "seed: got '-1', wanted whole number >= 0" in text
    assert "Did you mean 'crop'" in text


def test_one_mistake_is_one_sentence() -> None:
    text = refusal(model__norm="group")
    assert text.splitlines()[0] == (
        "A setting does not fit: model.norm: got 'group', wanted none or batch (--model.norm)"
    )


def test_options_that_contradict_each_other_are_refused() -> None:
    assert "low must be below high" in refusal(model="twins", model__low="2")


def test_mistakes_in_a_file_name_file_and_line(file: Path) -> None:
    file.write_text("seed: 1\nmodel:\n  name: small\n  depth: 0\ntraining:\n  warm-up: 1\n")
    text = refusal(file)
    assert f"model.depth: got 0, wanted whole number >= 1 ({file}, line 4)" in text
    assert f"training.warm_up: there is no such setting. Did you mean 'warmup'? ({file}, line 6)" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model: [", "line 1"),
        ("seed: 1\nseed: 2\n", "'seed' is given twice"),
        ("a: &x 1\nb: *x\n", "anchors"),
        ("- seed\n", "mapping"),
        ("seed: !!python/object:os.system 1\n", "tag"),
        ("[" * 5000, "nested too deeply"),
        ("format: 2\nseed: 1\n", "reads format 1"),
        ("task: table\n", "for another task"),
        ("recipe: [a]\n", "names one recipe"),
        ("training: 3\n", "wanted a mapping of settings"),
        ("seed: {a: 1}\n", "seed: got {a: 1}, wanted whole number"),
        ("seed: .inf\n", "seed: got .inf, wanted whole number"),
        ("model: \n", "nothing is chosen"),
        ("model: 3\n", "model.name"),
        ("augmentation: 3\n", "wanted names"),
        ("augmentation: [flip, flip]\n", "each once"),
        ("augmentation: {flip: 3}\n", "wanted a mapping of settings"),
        ("augmentation: {flip: {chance: {a: 1}}}\n", "augmentation.flip.chance: got {a: 1}"),
        ("optimizer: {critic: 3}\n", "wanted a mapping of settings"),
        ("reader: {lable: y}\n", "Did you mean 'label'?"),
        ("a" * 1_000_001, "too long"),
        ("\x00", "cannot be read"),
    ],
)
def test_bad_files_are_refused_with_a_sentence(file: Path, text: str, expected: str) -> None:
    file.write_text(text)
    message = refusal(file)
    assert expected in message
    assert str(file) in message


def test_files_that_are_no_text_are_refused(tmp_path: Path, file: Path) -> None:
    assert "cannot be read" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "none.yaml")
    file.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refusal(file)


def test_an_unknown_recipe_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        draft("clasic")
    assert "'classic'" in caught.value.do


def test_no_model_is_refused_with_what_there_is(file: Path) -> None:
    assert "model.name: nothing is chosen. Known: heavy, large_net, small, twins." in refusal(
        file_without(file, "model")
    )


def file_without(file: Path, section: str) -> Path:
    """The default recipe as a run would write it, less one section."""
    lines = FILES["recipes/default.yaml"].splitlines()
    kept = [line for line in lines if not line.startswith(section)]
    file.write_text("\n".join([*kept, "origins: {}"]))
    return file


def test_a_loss_that_the_task_does_not_take_is_refused(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Where the default recipe names no loss, a loss would have no effect."""
    from stepwell.discovery import Folder

    file.write_text(FILES["recipes/default.yaml"].replace("loss: square\n", ""))
    real = Folder.recipe_path
    monkeypatch.setattr(Folder, "recipe_path", lambda self, name: file if name == "default" else real(self, name))
    assert "loss" not in [section.name for section in recipes.sections(TASK)]
    assert f"loss.name: {TASK} has no section loss (--loss)" in refusal(loss="square")
    assert "loss" not in draft().values


# Text


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("model.widths", "64,32", [64, 32]),
        ("model.widths", "[64, 32]", [64, 32]),
        ("model.widths", "64", [64]),
        ("model.widths", "none", None),
        ("model.norm", "none", "none"),
        ("model.kernel", "3", 3),
        ("model.kernel", "3,5", [3, 5]),
        ("model.weights", "{cat: 2, dog: 0.5}", {"cat": 2.0, "dog": 0.5}),
        ("optimizer.learning_rate", "1e-3", 0.001),
        ("optimizer.learning-rate", "1", 1.0),
        ("training.channels_last", "false", False),
        ("training.batch-size", "auto", "auto"),
        ("training.clip_norm", "none", None),
    ],
)
def test_text_is_understood_by_what_is_wanted(path: str, text: str, expected: Any) -> None:
    found = value(recipes.draft(TASK, settings={path: text}), path.replace("-", "_"))
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("text", ["3", "true", "no", "1e3", "a: b", "a #b", "[x", "", "~x", "2020-01-01"])
def test_text_stays_text_where_text_is_wanted(text: str) -> None:
    assert value(recipes.draft(TASK, settings={"reader": "table", "reader.label": text}), "reader.label") == text


def test_yaml_words_are_those_of_yaml_1_2(file: Path) -> None:
    """`no` is a word, `010` is ten, `1e-3` a number."""
    file.write_text("reader: {name: table, label: no}\nmodel: {depth: 010}\noptimizer: {learning_rate: 1e-3}\n")
    recipe = draft(file)
    assert value(recipe, "reader.label") == "no"
    assert value(recipe, "model.depth") == 10
    assert value(recipe, "optimizer.learning_rate") == 0.001


# Completing, comparing


def test_autos_are_completed_with_their_reason() -> None:
    recipe = draft(model="large_net")
    assert {"reader.name", "model.drop", "training.batch_size"} <= set(recipes.unresolved(recipe))
    done = recipes.with_values(
        recipe,
        {
            "reader.name": ("table", "a file with columns"),
            "reader.label": ("z", "named so"),
            "model.drop": (0.5, "why"),
        },
    )
    assert value(done, "reader.label") == "z"
    assert value(done, "reader.columns") == []
    assert done.options("model").drop == 0.5
    assert done.origins["reader.name"] == Origin("auto", "a file with columns")
    assert done.origins["model.name"] == recipe.origins["model.name"]
    assert not {"reader.name", "model.drop"} & set(recipes.unresolved(done))
    assert value(recipe, "model.drop") == "auto"


def test_a_model_of_the_callers_own_has_no_options() -> None:
    recipe = recipes.with_own_model(draft(), "mine.Net")
    assert recipe.values["model"] == {"name": "own"}
    assert recipe.origins["model.name"] == Origin("argument", "mine.Net")
    longer = recipes.with_values(recipe, {"budget.steps": (9, "asked for")})
    assert recipes.from_yaml(recipes.to_yaml(longer)).name("model") == "own"
    assert "There is no 'own'" in refusal(model="own")


def test_a_budget_of_its_own() -> None:
    assert recipes.budget({"epochs": "5", "budget.time": "2m"}) == recipes.Budget(time=120.0, epochs=5)
    for settings, expected in (
        ({"epochs": "0"}, r"budget\.epochs: got '0', wanted whole number >= 1"),
        ({"seed": 1}, "seed is no budget"),
        ({"budget.hours": 1}, "no budget"),
        ({}, "Nothing says how long"),
        ({"time": "none"}, "Nothing says how long"),
    ):
        with pytest.raises(RecipeError, match=expected):
            recipes.budget(settings)


def test_a_completion_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"training\.batch_size: got 0"):
        recipes.with_values(draft(), {"training.batch_size": (0, "no reason")})


def test_compare_names_each_difference() -> None:
    first, second = draft(), draft(model="large_net", model__depth="3", augmentation="crop,flip")
    found = {path: (left, right) for path, left, right in recipes.compare(first, second)}
    assert found["model.name"] == ("small", "large_net")
    assert "model.depth" not in found
    assert found["model.norm"] == ("none", recipes.ABSENT)
    assert found["model.drop"] == (recipes.ABSENT, "auto")
    assert found["augmentation"] == (["flip"], ["crop", "flip"])
    assert recipes.compare(first, first) == []


# Frozen, typed, written


def test_values_are_frozen_at_any_depth() -> None:
    recipe = draft(model__widths="3,4", augmentation="flip")
    with pytest.raises(TypeError):
        recipe.values["model"]["depth"] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        recipe.values["augmentation"]["flip"]["chance"] = 0  # type: ignore[index]
    with pytest.raises(TypeError):
        recipe.origins["seed"] = Origin("default")  # type: ignore[index]
    assert recipe.values["model"]["widths"] == (3, 4)


def test_options_are_typed() -> None:
    recipe = draft(model__widths="3,4")
    assert recipe.options("model").widths == (3, 4)
    assert recipe.options("budget") == recipes.Budget(epochs=5)
    assert recipe.options("training") == recipes.TrainingOptions()
    assert recipe.options("prepare").side == 8
    assert recipe.module("model").__name__ == "toypack.models.small"
    assert recipe.room("model") == f"{TASK}.models"
    with pytest.raises(RecipeError, match="no options under objective"):
        recipe.options("objective")


def test_recipes_travel_between_processes() -> None:
    recipe = draft(model__widths="3,4")
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert copy.deepcopy(recipe) == recipe


def test_order_tells_two_recipes_apart() -> None:
    assert draft(augmentation="flip,crop") != draft(augmentation="crop,flip")
    assert draft(augmentation="flip,crop") == draft(augmentation="flip,crop")


def test_the_written_recipe_is_readable() -> None:
    text = recipes.to_yaml(draft(model__depth="4", augmentation="crop"))
    assert text.startswith(f"format: 1\ntask: {TASK}\n")
    assert "\n  depth: 4  # flag --model.depth\n" in text
    assert "\n  name: small  # recipe default\n" in text
    assert "\n  widths: null\n" in text
    assert "\naugmentation:  # flag --augmentation\n  crop:\n    padding: 4\n" in text


finite = st.floats(allow_nan=False, allow_infinity=False)
choices = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 2**32 - 1),
        "reader": st.fixed_dictionaries(
            {"name": st.just("table")}, optional={"label": st.text(), "columns": st.lists(st.text(), max_size=3)}
        ),
        "model": st.one_of(
            st.fixed_dictionaries(
                {"name": st.just("small")},
                optional={
                    "widths": st.lists(st.integers(-(10**30), 10**30), max_size=3),
                    "weights": st.dictionaries(st.text(), finite, max_size=3),
                },
            ),
            st.just({"name": "large_net", "drop": 0.25}),
        ),
        "optimizer.generator.learning_rate": finite.filter(lambda rate: rate > 0),
        "optimizer.momentum": finite,
        "augmentation": st.lists(st.sampled_from(["flip", "crop", "noise"]), unique=True),
        "budget.time": finite.filter(lambda time: time > 0),
    },
)


@given(choices, st.text())
def test_what_is_written_is_read_back(settings: dict[str, Any], reason: str) -> None:
    """Values, types, order and origins, whatever they hold."""
    recipe = recipes.draft(TASK, settings=settings)
    recipe = recipes.with_values(recipe, {"training.batch_size": (32, reason)})
    back = recipes.from_yaml(recipes.to_yaml(recipe))
    assert back == recipe
    assert repr(recipes.flat(back)) == repr(recipes.flat(recipe))
    assert back.origins == recipe.origins
    assert back.options("model") == recipe.options("model")


@given(choices)
def test_a_written_recipe_drafts_the_same_settings(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]
) -> None:
    recipe = recipes.draft(TASK, settings=settings)
    path = tmp_path_factory.mktemp("run") / "recipe.yaml"
    path.write_text(recipes.to_yaml(recipe), encoding="utf-8")
    again = recipes.draft(TASK, (path,))
    assert recipes.compare(recipe, again) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("format: 1", "format: 2"), "reads format 1"),
        (("format: 1\n", ""), "no complete recipe"),
        (("seed: 0", "sead: 0"), "no complete recipe"),
        (("origins:", "origin:"), "no complete recipe"),
        (("model.depth: [recipe", "model.deep: [recipe"), "do not fit"),
        (("  model.depth: [recipe, default]\n", ""), "came from: model.depth"),
        (("seed: 0", "seed: {a: 0}"), "came from: seed.a|do not fit"),
        (("model.depth: [recipe", "model.depth: [rumor"), "do not fit"),
    ],
)
def test_a_damaged_recipe_is_refused(change: tuple[str, str], expected: str) -> None:
    text = recipes.to_yaml(draft())
    assert change[0] in text
    with pytest.raises(RecipeError, match=expected):
        recipes.from_yaml(text.replace(*change), where="runs/a/recipe.yaml")


def test_an_older_recipe_takes_new_options_at_their_default() -> None:
    text = recipes.to_yaml(draft())
    for line in ("  norm: none\n", "  model.norm: [default, '']\n"):
        assert line in text
        text = text.replace(line, "")
    assert recipes.from_yaml(text).options("model").norm == "none"


def test_a_recipe_that_no_longer_fits_is_refused() -> None:
    text = recipes.to_yaml(draft()).replace("  norm: none\n", "  norm: layer\n")
    with pytest.raises(RecipeError, match="do not fit this version"):
        recipes.from_yaml(text).options("model")


# Help


def test_sections_of_a_task() -> None:
    found = {section.name: section for section in recipes.sections(TASK)}
    assert list(found) == [
        "seed", "reader", "split", "prepare", "model", "loss", "objective", "optimizer", "schedule", "augmentation",
        "training", "budget",
    ]  # fmt: skip
    assert found["model"].kind == "one"
    assert found["model"].rooms[0] == f"{TASK}.models"
    assert found["augmentation"].kind == "many"


def test_options_are_described() -> None:
    from stepwell import discovery

    depth, widths, *_ = recipes.describe_options(discovery.load(f"{TASK}.models", "small"))
    assert depth == ("depth", "whole number >= 1", 2, "Layers.")
    assert widths == ("widths", "list of whole number or none", None, "")


@pytest.mark.parametrize("options", [recipes.TrainingOptions, recipes.Budget])
def test_every_option_of_the_spine_has_a_sentence(options: type) -> None:
    described = recipes.describe_options(options)
    assert [one.description for one in described if not one.description.endswith(".")] == []
