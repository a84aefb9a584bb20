"""Writes docs/doctor.md from the diagnoses themselves: python tests/doctor/doctor_page.py."""

from __future__ import annotations

from pathlib import Path

from stepwell import discovery
from stepwell.doctor import diagnosing

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"

TOP = """# The doctor

    with stepwell.watch(model, optimizer, loss_fn, validation=(x, y), steps=1000, told=print) as doctor:
        ...                                  # your loop, as it is; harm is printed as it is found
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

How well it sees is measured by `benchmarks/doctor.py`, on plain loops on one thread. Rule sets of others, written anew
after their papers, judge the same runs at the end of each epoch; their symptoms count as true where they may mean a
true fault.

| faulty runs | rules | a true fault named | first named is true | faults named | names that are true | names a run |
|---|---|---|---|---|---|---|
| (a) 65 programs, 2 seeds | Stepwell | 128 of 130 | 124 of 130 | 197 of 242 | 197 of 216 | 1.66 |
| (a) the same runs | AutoTrainer | 40 of 130 | 37 of 130 | 56 of 242 | 40 of 92 | 0.71 |
| (a) the same runs | DeepDiagnosis | 57 of 130 | 41 of 130 | 73 of 242 | 61 of 192 | 1.48 |
| (a) the same runs | UMLAUT | 50 of 130 | 36 of 130 | 64 of 242 | 62 of 180 | 1.38 |
| (c) infected networks, 5 seeds | Stepwell | 169 of 170 | 169 of 170 | 169 of 170 | 191 of 191 | 1.12 |
| (c) the same runs | AutoTrainer | 33 of 170 | 33 of 170 | 33 of 170 | 33 of 80 | 0.47 |
| (c) the same runs | DeepDiagnosis | 35 of 170 | 30 of 170 | 35 of 170 | 35 of 213 | 1.25 |
| (c) the same runs | UMLAUT | 39 of 170 | 35 of 170 | 39 of 170 | 39 of 102 | 0.60 |
| (d) 160 drawn programs, one fault each | Stepwell | 141 of 160 | 138 of 160 | 141 of 160 | 152 of 167 | 1.04 |
| (d) the 126 that their fault harms | Stepwell | 116 of 126 | 113 of 126 | 116 of 126 | 127 of 141 | 1.12 |

| (b) 319 healthy runs set aside | alarms at the end | at most, 95 % | at any time before |
|---|---|---|---|
| Stepwell | 1 | 1.5 % | 3 |
| AutoTrainer | 1 | 1.5 % | 11 |
| DeepDiagnosis | 200 | 67.2 % | 201 |
| UMLAUT | 241 | 79.5 % | 241 |

- (a) `--cases FOLDER`: tiny networks. None of 56 healthy runs was alarmed, at its end or on the way (AutoTrainer 8,
  DeepDiagnosis 17, UMLAUT 54). Most faults that are not named follow from one that is, which is named in their place;
  with those that are folded under it, 205 of 242 are named; of 58 runs with one fault alone, 57. Thresholds, and what
  is folded, were chosen with a view of these programs, so they say little about others; (d) does.
- (b) `--corpus set_aside`: 382 drawn trainings of 18 kinds, on data that no threshold was chosen on; 319 are healthy,
  which is decided by what plain methods reach on the same rows. The bound takes runs for independent, though they share
  data sets. It was looked at eight times: at 80 healthy runs (no alarm), at 279 (three: two of tables of embeddings,
  which public scripts had shown too and which were mended meanwhile), at all, and at all anew, when two discriminators
  were alarmed on the way: that losses of a game are not judged has been a rule since; and at all twice more, when
  brief trainings had got more looks, and when harm had to last; and once more with what (d) had taught, when two
  trainings of under 64 updates were alarmed too, by a limit that a test had brought down to 32 meanwhile; and read
  anew at the end. The alarm that is left is of frozen features that learn little. `--corpus tuning` is another draw,
  of other data: of its 451 healthy trainings three were alarmed, whose classes are told apart by answers that are
  unsure, or by labels that are noise in part, and whose loss stays large; that this is no harm has been a rule since,
  and none is alarmed now (one on the way).
- (c) `--infected --seeds 0 1 2 3 4`: four networks of 105,000 to 298,000 weights, 46 infections by the diagnoses' own
  `infect`; 170 count, which took the skill on held-out rows under nine tenths of the healthy twin's, 60 did no harm.
  Thresholds were chosen on seed 0, those of weights that grew tenfold and of a dropout of nearly all on all five, which
  are therefore no test of them. The one that was missed has too much dropout. None of the 20 healthy twins was alarmed.
- (d) `--cases FOLDER --drawn 200 201 202 203`: programs whose kind, size and strength of fault are drawn by chance in
  the grammar of (a), 40 faults of four draws each, beside a healthy twin each. Other draws (0 to 103) showed what the
  doctor missed, and rules were made and mended on them; on these four it was asked once. None of the 160 twins was
  alarmed, at any time (AutoTrainer 52, DeepDiagnosis 94, UMLAUT 157). Missed are, of those that fail: rare classes that
  are answered at times, features that stay and are not enough, numbers learnt by heart though something of them holds,
  one epoch that had learnt half, and targets of another scale that were learnt late.
- On the way, harm is told once it has lasted for an eighth of what was trained so far; what makes a training stop is
  told at once. The first true name comes after a third of the run on (a), after half of it on (c), whose trainings of
  some seconds leave no time for a look between the first and the last (medians; ninth decile: at the end). A training
  known to take under half a minute gets a look in each of its quarters as far as a twentieth of its time allows. Runs
  of three or four epochs are also less than the rules of others were made for.

## What it costs

`benchmarks/doctor_overhead.py --rounds 40`, one thread, the doctor not told how long it will be. The first updates are
looked at whatever it costs, and later looks are put off until that is paid for: of a minute of training it says under
2 % itself where an update takes 10 ms, of shorter updates and trainings more. Ratios are of processor time after the
first 64 updates; other programs on the machine moved them by up to a fifth.

| network | ms an update | updates | more in the first 64 | after them | says itself, of all |
|---|---|---|---|---|---|
| MLP of 1.6 million weights | 25 | 1,984 | 0.4 s | -20 % | 1.9 % |
| CNN with batch normalization | 34 | 1,344 | 0.8 s | -16 % | 1.6 % |
| LSTM over 64 steps | 7 | 1,984 | 0.4 s | +6 % | 4.1 % |
| Transformer of two blocks | 24 | 1,984 | 0.3 s | -4 % | 1.4 % |
| MLP of 26,000 weights | 0.8 | 20,544 | 0.2 s | +14 % | 8.0 % |

## Programs of others

Public scripts through `stepwell diagnose`, unmodified, mostly cut to a few hundred updates; weights (where an optimizer
of torch holds them) and random draws at their end were the same to the bit with and without the doctor.

| program | what was said |
|---|---|
| makemore: MLP, RNN, Transformer; minGPT's adder; Trainer: a small GPT-2 | a notice: the loss still falls |
| Trainer: a small BERT from scratch, 125 updates | harmful: it learns nothing, and no cause is known (so it is) |
| PyTorch-GAN: gan, wgan_gp | nothing; of the latter, whose gradient penalty it cannot follow, that it judges little |
| Lightning's backbone_image_classifier, 100 updates | stop: a ReLU makes the logits of its cross-entropy (so it does) |
| Lightning's autoencoder, 100 updates | a notice: two linear layers meet (so they do) |
| MorvanZhou's tutorial: classification, RNN; autoencoder | nothing; a notice: two linear layers meet (so they do) |
| yunjey's tutorial: a feed-forward and a bidirectional network | nothing |
| skorch's quick start, two versions | harmful: dropout leaves 5 of 10 units; the loss still falls |
| pytorch/examples: word_language_model, 111 updates | LSTM: nothing; Transformer: the loss still falls |
| Keras's MNIST on torch | nothing |

Of 33 small healthy scripts written in other styles (contrastive and triplet losses, REINFORCE, Q-learning, diffusion,
CTC, VAE, WGAN with a gradient penalty, mixture of experts, MAML, a graph, sparse embeddings, two optimizers, updates by
hand) two were alarmed at first, a contrastive loss and two optimizers of one network, and have been mended; none is.

## Other names

What others call `missing_normalisation` is said by what is not normalized: inputs by `unscaled_inputs` or
`inputs_too_small`, targets by `unscaled_targets`, the signal between layers by `vanishing_gradient` or
`bad_init_large`. A loss that is no number, or gradients that grow, are folded under the cause where one is seen, mostly
`lr_too_high`.

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
