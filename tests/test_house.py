"""The rules of the house, each held by a machine: what files are called, hold, import, open and say.

Files are read, not imported, wherever that is enough, so that these checks cost milliseconds.
"""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import stepwell
from stepwell import discovery
from stepwell.inspection import Inspection
from stepwell.schema import Examples, Field

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "stepwell"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TASKS = sorted(path.parent.name for path in PACKAGE.glob("tasks/*/__init__.py"))

DRAWERS = {"base", "common", "core", "helper", "helpers", "lib", "manager", "managers", "misc", "shared", "tools"}
DRAWERS |= {"util", "utils", "utilities", "stuff", "various"}

# What a component of a room must define, besides its docstring.
ROOMS = {
    "audit": {"check"},
    "augmentations": {"Options", "apply"},
    "behavior": {"EXPECTS", "EXAMPLE", "REMEDY", "change"},
    "backbones": {"Options", "ACCEPTS", "build"},
    "doctor.diagnoses": {"KIND", "SEVERITY", "EXPLAINS", "REMEDIES", "diagnose", "infect"},
    "doctor.preflight": {"look"},
    "doctor.remedies": {"STRUCTURAL", "changes"},
    "doctor.signals": {"of_layer"},
    "imbalance": {"Options", "balance"},
    "inference": {"Options", "run"},
    "lessons": {"DIAGNOSIS", "PICTURES"},  # and TASK with SETTINGS, or program with CURE: see tests/test_teaching.py
    "losses": {"Options", "term"},
    "metrics": {"DIRECTION", "KIND", "HIGHER", "prepare"},  # and score or curve: see tests/metrics
    "models": {"Options", "build"},
    "optimizers": {"Options", "build"},
    "readers": {"Options", "recognizes", "read"},
    "schedules": {"Options", "factor"},
    "sections": {"ORDER", "TITLE", "section"},
    "splits": {"Options", "assign"},
    "transforms": {"Options", "Fitted"},
}

# Who may open a file for writing besides files.py, and why.
WRITERS = {
    "files.py": "the one place that writes whole or not at all",
}


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def folders(room: str) -> list[Path]:
    """Where components of a room lie: the shelf or the room of the spine, and the rooms of the tasks."""
    places = (PACKAGE / room, PACKAGE / "report" / room, *PACKAGE.glob(f"tasks/*/{room}"))
    return [place for place in places if place.is_dir()]


def components() -> list[Path]:
    """The components of every room: one file each, or a package of its own."""
    found = []
    for room in ROOMS:
        for folder in folders(room):
            files = [*folder.glob("*.py"), *folder.glob("*/__init__.py")]
            found += [file for file in files if file.parent != folder or not file.name.startswith("_")]
    return sorted(found)


def room_of(path: Path) -> str:
    folder = path.parent.parent if path.name == "__init__.py" else path.parent
    return folder.name


def defined(tree: ast.Module) -> set[str]:
    """The names that a module defines at its top."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def imported(tree: ast.Module) -> Iterator[str]:
    """The top names of all that a module imports, inside functions too, for types or not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def written(node: ast.Call) -> str:
    """A call as it is written, for instance ``torch.load``."""
    return ast.unparse(node.func)


def project_files() -> list[Path]:
    """Every file of the project that git tracks or would; what git ignores is no part of it."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files are the project's is not known")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.splitlines() if (path := ROOT / name).is_file()]


def test_no_drawers() -> None:
    paths = [path.relative_to(ROOT) for path in (*SOURCES, *(ROOT / "tests").rglob("*.py"))]
    drawers = [str(path) for path in paths if DRAWERS & {*path.parts[:-1], path.stem}]
    assert not drawers, "name a file for what it does"


@functools.cache
def code(path: Path) -> str:
    """What a file does: its text without comments and docstrings, in which a task may serve as an example."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


def naming(task: str) -> str:
    """What names a task: its name; of one that is an everyday word (table), only where it stands for the task."""
    if "_" in task:
        return rf"\b{task}\b"
    return rf"""tasks[./]{task}\b|\btask(\(|\s*[=!]=\s*)["']{task}["']"""


def test_the_spine_and_the_shelves_name_no_task() -> None:
    assert TASKS
    named = [
        f"{relative(path)} names {task}"
        for path in SOURCES
        if path.relative_to(PACKAGE).parts[0] != "tasks"
        for task in TASKS
        if re.search(naming(task), code(path))
    ]
    assert not named


def test_a_task_names_no_other_task() -> None:
    named = [
        f"{relative(path)} names {other}"
        for task in TASKS
        for path in (PACKAGE / "tasks" / task).rglob("*.py")
        for other in TASKS
        if other != task and re.search(naming(other), code(path))
    ]
    assert not named


def test_the_public_names() -> None:
    verbs = "check compare env evaluate heal load predict resume runs sample train watch"
    assert stepwell.__all__ == verbs.split()
    assert all(callable(getattr(stepwell, name)) for name in stepwell.__all__)
    assert dir(stepwell) == sorted([*stepwell.__all__, "__version__"])
    with pytest.raises(AttributeError, match="it has check, compare"):
        _ = stepwell.chekc


@pytest.mark.parametrize("path", components(), ids=relative)
def test_a_component_says_what_it_is_and_holds_what_its_room_demands(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "its first line is its sentence in help, its docstring its page"
    wanted = ROOMS[room_of(path)]
    assert wanted <= defined(tree), f"missing: {wanted - defined(tree)}"
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in {"Options", "Fitted"}:
            assert any("frozen=True" in ast.unparse(one) for one in node.decorator_list), f"{node.name} is not frozen"
        # A task states the options of its transforms; those of other rooms a recipe may leave out.
        if isinstance(node, ast.ClassDef) and node.name == "Options" and room_of(path) != "transforms":
            bare = [ast.unparse(one.target) for one in node.body if isinstance(one, ast.AnnAssign) and not one.value]
            assert not bare, f"options without a default: {bare}"


def test_no_room_lists_its_components() -> None:
    for room in ROOMS:
        for folder in folders(room):
            inside = {file.stem for file in folder.glob("*.py")} | {
                one.name for one in folder.iterdir() if one.is_dir()
            }
            text = (folder / "__init__.py").read_text() if (folder / "__init__.py").is_file() else ""
            listed = inside & {alias.name for node in ast.walk(ast.parse(text)) for alias in getattr(node, "names", [])}
            assert not listed, f"{relative(folder)}/__init__.py lists its components"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_duration_follows_the_date(path: Path) -> None:
    """A clock that is set while a training runs changes stamps and nothing else."""
    calls = {written(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    assert not calls & {"time.time", "time.localtime", "time.gmtime"}, "take time.perf_counter or time.monotonic"


EXECUTING = {"eval", "exec", "torch.load", "torch.save", "torch.jit.load", "yaml.load", "yaml.unsafe_load"}
"""What runs whatever lies in a file, or writes what only that can read."""


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_of_others_is_executed(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"} & set(imported(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        assert written(node) not in EXECUTING
        assert not (written(node) in {"np.load", "numpy.load"} and len(node.args) > 2), "the third one is allow_pickle"
        flags = {word.arg: ast.unparse(word.value) for word in node.keywords}
        assert flags.get("allow_pickle", "False") == "False"
        assert flags.get("shell", "False") == "False"
        assert flags.get("weights_only", "True") == "True"


def opens_for_writing(node: ast.Call) -> bool:
    name = written(node)
    if name.endswith((".write_text", ".write_bytes")) or name in {"np.save", "np.savez", "np.savetxt", "save_file"}:
        return True
    if name != "open" and not name.endswith(".open"):
        return False
    words = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")]
    modes = [one.value for one in words if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return any(re.fullmatch(r"[rbt]*[wax+][rwaxbt+]*", mode) for mode in modes)


def test_only_files_writes() -> None:
    writers = {
        relative(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and opens_for_writing(node)
    }
    assert writers == set(WRITERS), "write through stepwell.files; a half-written file must never look whole"


def test_no_path_of_a_machine() -> None:
    place = re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt)/\w")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in project_files()
        if path.suffix in {"", ".cfg", ".css", ".html", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if place.search(line)
    ]
    assert not found


def requirement(text: str) -> str:
    return re.split(r"[\[<>=!~; ]", text)[0].lower()


def test_dependencies_are_what_is_imported() -> None:
    names = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml", "google": "protobuf"}
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    groups = (project["dependencies"], *(extras[name] for name in extras if name != "dev"))
    declared = {requirement(one) for group in groups for one in group}
    known = set(sys.stdlib_module_names) | {"stepwell", "IPython"}
    used = {name for path in SOURCES for name in imported(ast.parse(path.read_text()))} - known
    # The exporter of torch imports these two.
    assert {names.get(name, name) for name in used} | {"onnx", "onnxscript"} == declared


def test_every_dependency_has_a_tested_version() -> None:
    project = PROJECT["project"]
    lists = (project["dependencies"], *project["optional-dependencies"].values())
    declared = {requirement(one) for group in lists for one in group}
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", line) for line in lines), "plain versions, no hosts"
    assert declared <= {line.partition("==")[0] for line in lines}


def test_architecture_tells_the_layers() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    layers = next(one["layers"] for one in PROJECT["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    assert "\n".join(f"    {line}" for line in layers) in text


def test_architecture_tells_every_exemption() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    cards = {name: discovery.task(name).card for name in discovery.tasks()}
    rows = {f"| {name} | {check} | {reason} |" for name in cards for check, reason in cards[name].exempt.items()}
    told = {line for line in text.splitlines() if line.count("|") == 4 and line.split(" | ")[0].strip("| ") in cards}
    assert rows == told


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def examples() -> dict[str, str]:
    """The complete components that ARCHITECTURE.md shows: where each would lie -> its text."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    blocks = re.findall(r"```python\n# stepwell/(\S+)\n(.*?)```", text, flags=re.DOTALL)
    return dict(blocks)


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The examples of ARCHITECTURE.md, installed as a package of others."""
    (tmp_path / "shown-0.dist-info").mkdir()
    (tmp_path / "shown-0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shown\nVersion: 0\n")
    entries = []
    for place, text in examples().items():
        room, name = place.removesuffix(".py").split("/")
        (tmp_path / f"shown_{name}.py").write_text(text)
        entries.append(f"[stepwell.{room}]\n{name} = shown_{name}\n")
    (tmp_path / "shown-0.dist-info" / "entry_points.txt").write_text("\n".join(entries))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.startswith("shown_")]:
        del sys.modules[name]


def test_architecture_shows_components_that_work(shown: None) -> None:
    assert sorted(examples()) == ["audit/long_names.py", "backbones/thumbnail.py", "schedules/sawtooth.py"]
    for place, text in examples().items():
        assert ROOMS[Path(place).parts[0]] <= defined(ast.parse(text))
    sawtooth = discovery.load("schedules", "sawtooth")
    assert [sawtooth.factor(sawtooth.Options(teeth=2), cycle, 8, []) for cycle in (0, 2, 4)] == [1.0, 0.5, 1.0]
    assert discovery.describe("audit")["long_names"] == "File names that some systems cannot hold."

    long = discovery.load("audit", "long_names").check
    names = ("short.png", "long" * 99)
    listed = Examples(names, names, {}, lambda indices, views: {}, "", "")
    inspection = Inspection(listed, (0, 1), {}, (None, None), {}, (), (), "")
    assert [found.examples for found in long(inspection, None)] == [names[1:]]
    assert long(inspection, ["train", "test"]) == []

    torch = pytest.importorskip("torch")
    thumbnail = discovery.load("backbones", "thumbnail")
    backbone = thumbnail.build(thumbnail.Options(), Field("image", "image", "uint8", (3, 9, 12)))
    assert [tuple(one.shape) for one in backbone(torch.zeros(2, 3, 9, 12))] == [(2, *backbone.channels, 3, 3)]
