"""Numbers and sentences as a person reads them; page and card say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepwell.judge.scores import About, Baseline, Interval, Scores
from stepwell.recipe import Recipe
from stepwell.schema import Score

_FEW_OF_A_CLASS, _FEW_NUMBERS = 20, 100  # below which intervals fell short in simulations
_FINE = 5000
"""From so many examples on, a share is known to hundredths of a percent."""

_NARROW = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


def count(number: float) -> str:
    """A count with thousands apart: 10,000."""
    return f"{number:,.0f}"


def value(number: float, about: About, n: int) -> str:
    """A metric's value with its unit; a share of `n` examples in percent, as fine as `n` allows."""
    if about.measure == "share":
        return f"{_percent(number, n)}{_NARROW}%"
    return f"{_measured(number)}{_NARROW}{about.measure}" if about.measure else _measured(number)


def interval(score: Score, about: About) -> str:
    """The two ends of an interval, the unit said once: 96.1 to 99.2 %."""
    if about.measure == "share":
        return f"{_percent(score.low, score.n)} to {_percent(score.high, score.n)}{_NARROW}%"
    unit = f"{_NARROW}{about.measure}" if about.measure else ""
    return f"{_measured(score.low)} to {_measured(score.high)}{unit}"


def difference(score: Score, about: About, *, sign: int = 1) -> tuple[str, str]:
    """A difference turned by `sign`, and its interval: ("3.1 points", "1.2 to 5.0")."""
    ends = sorted((sign * score.low, sign * score.high))
    if about.measure == "share":
        digits = _digits(score.n)
        middle, low, high = (_signed(f"{100 * one:.{digits}f}") for one in (sign * score.value, *ends))
        return f"{middle}{_NARROW}points", f"{low} to {high}"
    unit = f"{_NARROW}{about.measure}" if about.measure else ""
    return f"{_measured(sign * score.value)}{unit}", f"{_measured(ends[0])} to {_measured(ends[1])}"


def plain(number: float) -> str:
    """Three significant digits, without an exponent where it can be: 0.0613, 12.4, 50,100, 3.2e−07."""
    if number == 0:
        return "0"
    if 1e-4 <= abs(number) < 1000:
        return _signed(f"{number:.3g}")
    if 1000 <= abs(number) < 1e9:
        return _signed(f"{float(f'{number:.3g}'):,.0f}")
    return _signed(f"{number:.3g}")


def _measured(number: float) -> str:
    """As `plain`, but with its zeros at the end: 0.922 to 0.930, and not 0.93, for it is known to that digit."""
    if not 1e-4 <= abs(number) < 100:
        return plain(number)
    digits = 3
    while digits < 6 and abs(number) < 1 and float(f"{abs(number):.{digits}g}") == 1:
        digits += 1  # 0.9996 must not read as 1.00, the end of many a scale
    return _signed(f"{number:#.{digits}g}")


def percent(share: float) -> str:
    """A share in whole percent, finer below one percent, for what is only shown beside its counts."""
    return f"{100 * share:.1g}{_NARROW}%" if 0 < share < 0.01 else f"{100 * share:.0f}{_NARROW}%"


def duration(seconds: float) -> str:
    """A time in its two greatest units: 0.4 s, 12 s, 3 min 12 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def memory(size: float) -> str:
    """Bytes in GB."""
    return f"{size / 1e9:.1f} GB"


@dataclass(frozen=True)
class Verdict:
    """What the headline score comes to: one sentence on the network, one on the best rival, one on both."""

    network: str
    rival: str
    comparison: str

    def __str__(self) -> str:
        return " ".join(one for one in (self.network, self.rival, self.comparison) if one)


def looks(scores: Scores) -> str:
    """A sentence on how often the judged examples were looked at, where that is more than this once; else empty."""
    if scores.looks < 2:
        return ""
    return (
        f"These {scores.part} examples were looked at {count(scores.looks)} times by now: whoever chooses by such "
        "looks chooses what fits them, and the score is then too good."
    )


def few(scores: Scores) -> str:
    """A sentence where so little was judged that intervals hold the truth less often than they say; else empty."""
    less = "intervals of {what} then hold the truth somewhat less often than they say."
    if "rmse" in scores.scores and scores.n < _FEW_NUMBERS:
        what = less.format(what="squared errors and R²")
        return f"Among so few examples the rare large errors have mostly not been seen: {what}"
    found = {name: one.n for name, one in scores.per_class.get("recall", {}).items()}
    rarest = min(found, key=lambda name: found[name], default="")
    if not found or found[rarest] >= _FEW_OF_A_CLASS:
        return ""
    what = less.format(what="means over classes and areas under curves, and of differences of these,")
    return f"Only {count(found[rarest])} of them are of the class “{rarest}”: {what}"


def drawn(found: Interval, about: About) -> str:
    """What the interval of a metric comes from: resamples, or the influence of each example."""
    unit = "group" if found.by == "group" else "example"
    if about.interval == "logit":
        return f"from the influence of each of {count(found.units)} {unit}s"
    return f"from {count(found.replicates)} resamples of {count(found.units)} {unit}s"


def positive(scores: Scores, recipe: Recipe | None) -> str:
    """Of two classes, which is the positive one and why; empty where there are not two."""
    if not scores.positive:
        return ""
    chosen = recipe is not None and recipe.values.get("prepare", {}).get("positive") is not None
    why = "as chosen" if chosen else "the later of the two by name; --positive chooses"
    return (
        f"The positive class is {scores.positive} ({why}): AUROC, average precision, curves and thresholds are of it."
    )


def verdict(scores: Scores) -> Verdict:
    """The headline in words, with intervals, n, the best rival, and whether the difference is more than chance."""
    about, score = scores.metrics[scores.headline], scores.scores.get(scores.headline)
    if score is None:
        return Verdict(f"The {about.title} is undefined on these {count(scores.n)} examples.", "", "")
    name = best_rival(scores)
    if name is None:
        return Verdict(_network_sentence(scores, about, score), "There is no baseline to compare it with.", "")
    rival = scores.baselines[name]
    reached = value(rival.scores[scores.headline].value, about, score.n)
    sentence = f"The best baseline, {name}, reaches {reached} ({interval(rival.scores[scores.headline], about)})."
    return Verdict(_network_sentence(scores, about, score), sentence, _comparison(scores, name, rival, about))


def best_rival(scores: Scores) -> str | None:
    """The baseline with the best headline score, or None where none has one; of equals the first."""
    sign = 1 if scores.metrics[scores.headline].direction == "max" else -1
    known = {
        name: sign * one.scores[scores.headline].value
        for name, one in scores.baselines.items()
        if scores.headline in one.scores
    }
    return max(known, key=lambda name: known[name]) if known else None


def _network_sentence(scores: Scores, about: About, score: Score) -> str:
    examples = f"{count(scores.n)} {scores.part} example{'' if scores.n == 1 else 's'}"
    reached = value(score.value, about, score.n)
    told = f"The network's {about.title} is {reached} on {examples}"
    if about.says:
        told = f"The network {about.says.format(value=reached, n=examples)}"
    return f"{told} ({percent(score.level)} interval {interval(score, about)})."


def _comparison(scores: Scores, name: str, rival: Baseline, about: About) -> str:
    found = rival.differences.get(scores.headline)
    if found is None:
        return ""
    sign = 1 if about.direction == "max" else -1
    if found.value == 0:
        return (
            f"On the same examples the two are level ({difference(found, about)[1]}): these data do not show that the "
            f"network is better than the {name} baseline."
        )
    ahead = sign * found.value > 0
    amount, ends = difference(found, about, sign=sign if ahead else -sign)
    leader = "the network" if ahead else f"the {name} baseline"
    if found.low <= 0 <= found.high:
        return (
            f"On the same examples {leader} is ahead by {amount} ({ends}): that is within what chance explains, "
            f"so these data do not show that the network is better than the {name} baseline."
        )
    if ahead:
        return f"On the same examples {leader} is better by {amount} ({ends})."
    return f"On the same examples {leader} is better by {amount} ({ends}): these data do not speak for the network."


def _percent(share: float, n: int) -> str:
    if share in (0.0, 1.0):
        return f"{100 * share:.0f}"
    for digits in range(_digits(n), 5):
        text = f"{100 * share:.{digits}f}"
        if float(text) not in (0.0, 100.0):  # 99.97 % must not read as 100.0 %
            return text
    return f"{100 * share:.4f}"


def _digits(n: int) -> int:
    return 2 if n >= _FINE else 1


def _signed(text: str) -> str:
    return text.replace("-", _MINUS)


def flat(values: Mapping[str, object], before: str = "") -> dict[str, object]:
    """Nested mappings as one, by dotted path; an empty mapping stays as it is."""
    found: dict[str, object] = {}
    for key, one in values.items():
        path = f"{before}{key}"
        if isinstance(one, Mapping) and one:
            found.update(flat(one, f"{path}."))
        else:
            found[path] = one
    return found
