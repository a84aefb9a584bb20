"""Components are found by folder and by entry point, listed without being imported, and missed with a suggestion."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stepwell import discovery
from stepwell.errors import MissingExtraError, UsageError

CARD = '''"""A task from outside."""
class TASK:
    extra = "train"
    title = "Guest"
'''


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def install(root: Path, name: str, entry_points: str, files: dict[str, str]) -> None:
    """A package of others, as pip would lay it down."""
    write(
        root,
        {
            f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{name}-1.0.dist-info/entry_points.txt": entry_points,
            **files,
        },
    )


def forget() -> None:
    """Look anew at what is announced: a package was installed after the first look."""
    discovery._announced.cache_clear()
    discovery._may_announce.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder at the head of sys.path; what a test imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def guest(site: Path) -> Path:
    """A package that brings a task, a transform and a model for that task."""
    install(
        site,
        "guestpack",
        "[stepwell.tasks]\nguest-task = guestpack.task\n"
        "[stepwell.guest_transforms]\nturn-round = guestpack.turning\nalone = guest_alone\n"
        "[stepwell.guest_task.models]\nouter = guestpack.outer\n",
        {
            "guestpack/__init__.py": "",
            "guestpack/turning.py": '"""Turns things round.\n\nAt length."""\nSIDE = 2\n',
            "guestpack/outer.py": "NAME = 'outer'\n",
            "guestpack/task/__init__.py": CARD,
            "guestpack/task/prepare.py": "WHO = 'guest'\n",
            "guestpack/task/broken.py": "import a_package_that_nobody_has\n",
            "guestpack/task/models/inner.py": '"""An inner model."""\nraise RuntimeError("imported")\n',
            "guestpack/task/models/_hidden.py": "",
            "guestpack/task/recipes/default.yaml": "seed: 1\n",
            "guestpack/task/recipes/classic.yaml": "seed: 2\n",
            "guest_alone.py": '"""A module without a package."""\n',
        },
    )
    return site


def test_an_entry_point_fills_a_room(guest: Path) -> None:
    assert discovery.names("guest_transforms") == ("alone", "turn_round")
    assert discovery.load("guest_transforms", "turn-round").SIDE == 2


def test_a_room_that_nobody_fills_is_empty() -> None:
    assert discovery.names("no_such_room") == ()
    assert discovery.describe("no_such_room") == {}


def test_description_is_the_first_line_of_the_docstring(guest: Path) -> None:
    assert discovery.describe("guest_transforms") == {
        "alone": "A module without a package.",
        "turn_round": "Turns things round.",
    }


def test_listing_imports_no_component(guest: Path) -> None:
    assert discovery.names("guest_task.models") == ("inner", "outer")
    assert discovery.describe("guest_task.models") == {"inner": "An inner model.", "outer": ""}
    assert not [name for name in sys.modules if name.startswith("guestpack.task.models")]


def test_the_first_room_that_has_it_wins(guest: Path) -> None:
    rooms = ("guest_task.models", "guest_transforms")
    assert discovery.find(rooms, "outer").NAME == "outer"
    assert discovery.find(rooms, "turn_round").SIDE == 2


def test_an_unknown_name_is_answered_with_the_nearest_of_all_rooms(guest: Path) -> None:
    with pytest.raises(UsageError) as caught:
        discovery.find(("guest_task.models", "guest_transforms"), "turn_roun")
    assert "'turn_roun'" in caught.value.what
    assert caught.value.do == "Did you mean 'turn_round'?"


def test_a_name_found_twice_is_an_error_that_names_both(guest: Path) -> None:
    install(guest, "rival", "[stepwell.guest_transforms]\nturn_round = rival\n", {"rival.py": ""})
    forget()
    with pytest.raises(UsageError, match=r"turn_round.*(guestpack\.turning.*rival|rival.*guestpack\.turning)"):
        discovery.names("guest_transforms")


def test_the_folder_of_a_task(guest: Path) -> None:
    assert "guest_task" in discovery.tasks()
    folder = discovery.task("guest-task")
    assert (folder.name, folder.package) == ("guest_task", "guestpack.task")
    assert folder.card.title == "Guest"
    assert folder.has("prepare")
    assert not folder.has("choose")
    assert folder.module("prepare").WHO == "guest"
    assert folder.rooms("models") == ("guest_task.models",)
    assert folder.rooms("guest_transforms") == ("guest_transforms",)
    assert folder.rooms("no_such_room") == ()


def test_recipes_of_a_task_are_files(guest: Path) -> None:
    folder = discovery.task("guest_task")
    assert folder.recipe_names() == ("classic", "default")
    assert folder.recipe_path("classic").read_text(encoding="utf-8") == "seed: 2\n"
    with pytest.raises(UsageError, match="no recipe 'clasic'") as caught:
        folder.recipe_path("clasic")
    assert caught.value.do == "Did you mean 'classic'?"


def test_an_unknown_task_is_answered_with_the_nearest(guest: Path) -> None:
    with pytest.raises(UsageError) as caught:
        discovery.task("guest_tusk")
    assert "'guest_task'" in caught.value.do


def test_a_module_that_a_task_lacks_is_named(guest: Path) -> None:
    with pytest.raises(UsageError, match=r"choose\.py"):
        discovery.task("guest_task").module("choose")


def test_a_package_that_a_guest_needs_is_named(guest: Path) -> None:
    with pytest.raises(UsageError, match="a_package_that_nobody_has"):
        discovery.task("guest_task").module("broken")


def test_a_missing_extra_is_named_with_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch, a component of our own says which extra it belongs to."""

    def absent(module: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(discovery.importlib, "import_module", absent)
    with pytest.raises(MissingExtraError) as caught:
        discovery._imported("stepwell.somewhere.cnn", "train")
    assert "'torch'" in caught.value.what
    assert caught.value.do == 'pip install "stepwell[train]"'
