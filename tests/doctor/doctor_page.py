"""Writes docs/doctor.md from the diagnoses themselves: python tests/doctor/doctor_page.py."""

from __future__ import annotations

from pathlib import Path

from stepwell import discovery
from stepwell.doctor import diagnosing

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"

TOP = """# The doctor

    with stepwell.watch(model, optimizer, loss_fn, validation=(x, y), steps=1000) as doctor:
        ...                                  # your loop, as it is
    doctor.findings, doctor.cost, doctor.report("doctor.html")

    stepwell diagnose train.py words of the script

What it reads: the batch and the answer where the model is called, the torch calls from the answer to the loss, the
loss where `backward` is called, norms where the optimizer steps, and a fixed probe batch now and then. A training
watched is bit for bit the training not watched. Losses are read relative to that of the best constant answer under
your own loss. Where no way from the answer to the loss is seen (a model that computes its loss itself), what needs one
is not judged, and that is said.

Severity 1 is a notice, 2 is harmful, 3 means stop and fix. Causes come first; what follows from a cause is folded under
it. What is not exact is judged from a quarter of the planned updates on. Where a page says "measured", the threshold
raised no alarm in 84 runs of 28 healthy configurations.

On 65 faulty and 28 healthy configurations, two seeds each (`python benchmarks/doctor.py --cases FOLDER`): a true
fault was named in 126 of 130 runs, first in 124; 193 of 242 faults were named, 193 of 217 names were true, 1.67 a
run; none of 56 healthy runs was alarmed. The thresholds, and what is folded, were chosen with a view of these
configurations, so they say little about others; the networks are tiny.

This page is written from the docstrings of `stepwell/doctor/diagnoses/` (`python tests/doctor/doctor_page.py`), and a
test holds the two together.
"""


def page() -> str:
    """The whole page."""
    parts = [TOP]
    for kind in diagnosing.KINDS:
        for name in discovery.names(diagnosing.ROOM):
            module = discovery.load(diagnosing.ROOM, name)
            if kind != module.KIND:
                continue
            title, _, rest = (module.__doc__ or "").strip().partition("\n")
            lines = [f"## {name}", "", f"*{kind}, severity up to {module.SEVERITY}.* {title}", ""]
            for line in rest.strip().splitlines():
                heading, mark, said = line.partition(": ")
                whole = not line.startswith(" ") and mark
                lines.append(f"- **{heading}:** {said}" if whole else f"  {line.strip()}")
            if module.EXPLAINS:
                lines += [f"- **Folds:** {', '.join(module.EXPLAINS)}."]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
