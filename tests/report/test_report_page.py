"""The page and the card: whole, honest, safe with any name, and drawn from whatever a run holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_run import make_findings, make_gallery, make_run, write_history, write_scores

from stepwell import discovery, report
from stepwell.errors import RunError
from stepwell.report import markdown
from stepwell.run import create
from stepwell.schema import Picture

VOID = {"meta", "img", "line", "circle", "path", "rect", "br"}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted\" 'n' & <b onload=x>",
    "🦆 duck",
    "new\nline\ttab",
    "pipe | `tick` [link](javascript:alert(1)) *star*",
    "\u202egnp.exe",
    "\udcff broken",
    "</style></td></table>{{ 7 * 7 }}{% raw %}",
)


class Reading(HTMLParser):
    """Collects tags, attributes and text, and holds that every tag is closed in its turn."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def digits_page(digits_run):
    folder, gallery = digits_run
    return report.build(folder, gallery)


def section_of(page, name):
    found = re.search(rf'<section id="{name}">(.*?)</section>', page, re.DOTALL)
    return Reading(found[1]) if found else None


UNMEASURED = {
    "asides",
    "behavior",
    "confidence",
    "discrimination",
    "healing",
    "importance",
    "leak",
    "reliability",
    "residuals",
    "slices",
    "trial",
}
"""Sections of what a single training on pictures, with the metrics of `made_run`, does not measure."""


def test_every_section_is_there_and_in_the_contents(digits_page):
    rooms = sorted((discovery.load("report.sections", name).ORDER, name) for name in discovery.names("report.sections"))
    expected = [name for _, name in rooms if name not in UNMEASURED]
    assert re.findall(r'<section id="([\w-]+)">', digits_page) == expected
    assert re.findall(r'<li><a href="#([\w-]+)">', digits_page) == expected


def test_the_page_needs_nothing_from_outside(digits_page):
    reading = Reading(digits_page)
    assert "script" not in reading.tags
    assert "link" not in reading.tags
    assert not [name for _, name, _ in reading.attributes if name.startswith("on")]
    for tag, name, value in reading.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("data:image/png;base64,", "#")), (tag, value)
    assert "http://" not in digits_page
    assert "https://" not in digits_page
    assert "url(" not in digits_page


def test_the_score_stands_beside_baselines_in_words_and_picture(digits_run, digits_page):
    folder, _ = digits_run
    scores = json.loads((folder / "scores.json").read_text())
    told = section_of(digits_page, "headline").text
    accuracy = scores["scores"]["accuracy"]
    assert f"is right on {100 * accuracy['value']:.0f} % of 360 test examples" in told
    assert f"95 % interval {100 * accuracy['low']:.1f} to 100 %" in told
    linear = scores["baselines"]["linear"]["scores"]["accuracy"]
    assert f"The best baseline, linear, reaches {100 * linear['value']:.1f} %" in told
    assert "On the same examples the network is better by" in told
    assert "constant" in told
    assert "trained on 1,150 examples" in told
    assert "1,000 resamples of 360 examples" in told


def test_curves_mark_the_weights_that_were_kept(digits_page):
    curves = section_of(digits_page, "curves")
    for title in ("Training loss", "Validation accuracy", "Validation log loss", "Learning rate"):
        assert title in curves.text
    assert "marks cycle 432" in curves.text
    assert "540 cycles in 15 epochs, validated 15 times" in curves.text
    assert "Gradient norm" not in curves.text


def test_findings_show_three_and_keep_all(digits_page):
    open_ones, _, folded = digits_page.partition('<section id="findings">')[2].partition("<details>")
    assert open_ones.count('class="finding ') == 3
    assert open_ones.index("exact duplicates") < open_ones.index("imbalance"), "the worst comes first"
    assert folded.partition("</details>")[0].count('class="finding ') == len(make_findings()) - 3
    assert "1 harmful finding" in Reading(digits_page).text


def test_split_recipe_environment_and_timing_are_told(digits_page):
    split = section_of(digits_page, "split").text
    assert "train 1,077 60 %" in split
    assert "in no part 2" in split
    assert "left out (2)" in split, "what is particular to one example is not a reason of its own"
    recipe = section_of(digits_page, "recipe")
    assert "steepest fall in the range test" in recipe.text
    assert digits_page.count('<tr class="default">') == 7
    assert "stepwell train toy digits --seed 1" in recipe.text
    assert "torch 2.13.0" in section_of(digits_page, "environment").text
    assert "8.2 GB" in section_of(digits_page, "environment").text
    assert "training" in section_of(digits_page, "timing").text
    assert "21 s in all" in section_of(digits_page, "timing").text


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    classes = list(HOSTILE)
    folder, _ = make_run(tmp_path_factory.mktemp("hostile") / "r <i>un", classes, n=80, clear=1.0)
    gallery = make_gallery(classes, count=len(classes))
    gallery["samples"] = [
        (name, Picture(one.mime, one.data, f"{name}, answered {name}")) for name, one in gallery["samples"]
    ]
    return folder, gallery


def test_hostile_names_are_shown_and_never_run(hostile, digits_page):
    folder, gallery = hostile
    page = report.build(folder, gallery)
    page.encode("utf-8")
    reading = Reading(page)
    assert set(reading.tags) <= set(Reading(digits_page).tags), "a name made a tag"
    assert not [name for _, name, _ in reading.attributes if name.startswith("on")]
    table = section_of(page, "classes").text
    assert "<script>alert(1)</script>" in table
    assert "\"quoted\" 'n' & <b onload=x>" in table
    assert "🦆 duck" in table
    assert "new␊line␉tab" in table
    assert "{{ 7 * 7 }}" in table, "a name is data, not a template"
    assert "\u202e" not in page
    assert "r <i>un" in reading.text


def test_hostile_names_do_not_break_the_card(hostile):
    card = report.card(hostile[0])
    card.encode("utf-8")
    assert "<script" not in card
    assert "<b" not in card
    assert "](javascript" not in card.replace("\\]", "")
    widths = {line.replace("\\|", "").count("|") for line in card.splitlines() if line.startswith("| ")}
    assert widths == {5, 4}, "a table of scores with four columns, a table of settings with three"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_plain_text_in_markdown(name):
    words = markdown.escape(name)
    assert words.isprintable()
    assert "<" not in words
    assert not re.search(r"(?<!\\)[`*\[\]|]", words)


def test_no_examples_means_no_pictures_ids_or_paths(digits_run):
    folder, gallery = digits_run
    page, card = report.build(folder, gallery, examples=False), report.card(folder, examples=False)
    assert "<img" not in page
    for leak in ("3/0413.png", "7/0001.png", "train toy digits", "2 pictures lie in"):
        assert leak in report.build(folder, gallery)
        assert leak not in page
        assert leak not in card
    assert "exact duplicates" in page
    assert "the same content" in report.card(folder)


def test_the_card_says_what_the_page_says(digits_run, digits_page):
    card = report.card(digits_run[0])
    told = section_of(digits_page, "headline").text
    sentence = next(line for line in card.splitlines() if line.startswith("The network"))
    assert re.sub(r"\s+", " ", sentence) in told
    assert "| accuracy | 100\N{NO-BREAK SPACE}% (99.0 to 100\N{NO-BREAK SPACE}%) |" in card
    assert "optimizer.learning\\_rate | 0.02 | auto steepest fall" in card
    assert "model.depth" not in card


def test_a_run_that_has_only_begun_has_a_page(tmp_path):
    create(tmp_path / "young", "single", "toy", "")
    page = report.build(tmp_path / "young")
    assert re.findall(r'<section id="([\w-]+)">', page) == ["findings"]
    Reading(page)
    assert "Nothing was judged yet" in report.card(tmp_path / "young")


def test_many_classes_are_listed_and_not_drawn(tmp_path):
    run = create(tmp_path / "many", "single", "toy", "")
    write_scores(run, [f"kind {number}" for number in range(60)], 900, clear=2.0)
    page = report.build(run.folder)
    assert 'class="matrix' not in page
    assert page.partition('class="pairs"')[2].partition("</ol>")[0].count("<li>") == 20
    shown, _, folded = page.partition('<section id="classes">')[2].partition("<details>")
    assert shown.count('class="name"') == 15
    assert folded.partition("</details>")[0].count('class="name"') == 60


def test_of_very_many_classes_the_confusions_are_kept_cell_by_cell(tmp_path):
    run = create(tmp_path / "many", "single", "toy", "")
    write_scores(run, [f"kind {number}" for number in range(1200)], 3000, clear=2.0)
    table = run.read_json("scores.json")["tables"]["confusion_matrix"]
    assert not table["rows"] and sum(count for _, _, count in table["cells"]) == 3000
    wrong = sum(count for true, answered, count in table["cells"] if true != answered)
    page = report.build(run.folder)
    assert f"{wrong:,.0f} of 3,000 answers are wrong" in page
    assert page.partition('class="pairs"')[2].partition("</ol>")[0].count("<li>") == 20
    assert "1,200 classes but 200" in page


def test_losses_that_are_no_numbers_are_counted_and_several_objectives_told_apart(tmp_path):
    run = create(tmp_path / "two", "single", "toy", "")
    write_history(run, cycles=5, every=5)
    lines = [json.loads(line) for line in run.path("history.jsonl").read_text().splitlines()]
    for line in lines[:5]:
        line["loss"] = {"generator": 1.0, "critic": None if line["cycle"] == 3 else 2.0}
    run.path("history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    curves = section_of(report.build(run.folder), "curves").text
    assert "The loss of 1 of 5 steps is no number" in curves
    assert "generator critic" in curves


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("findings.json", '[{"name": 3}]'),
        ("history.jsonl", "[1]\n"),
        ("timings.json", '{"stages": 4}'),
        ("environment.json", "[]"),
        ("scores.json", '{"format": 1}'),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, content):
    run = create(tmp_path / "run", "single", "toy", "")
    run.path(name).write_text(content)
    with pytest.raises(RunError, match=re.escape(f"{name} is damaged")):
        report.build(run.folder)


def test_drawing_needs_the_light_install_alone(digits_run):
    code = (
        "import sys; from pathlib import Path; from stepwell import report; "
        "report.build(Path(sys.argv[1])); report.card(Path(sys.argv[1])); "
        "print([name for name in ('torch', 'matplotlib', 'scipy', 'sklearn', 'polars') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(digits_run[0])],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(report.__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"
