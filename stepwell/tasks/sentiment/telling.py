"""What is told of texts besides scores: how long they are, what of them is cut off or unknown, which words are alike.

Where the network weighs its words (pooling by attention) that is shown with a warning: weights of attention need not be
what an answer rests on (Jain and Wallace, Attention is not Explanation, NAACL 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from stepwell import feed
from stepwell.judge.scores import Aside
from stepwell.preparation import Preparation, Prepared
from stepwell.schema import Columns, Part, Trace
from stepwell.tasks.sentiment import vectors
from stepwell.tasks.sentiment.embedding import Pool
from stepwell.tasks.sentiment.transforms.look_up import FIRST

NOTED = "look_up"
"""The transform that notes how many pieces a text has, and how many of them are unknown."""

_WORDS, _NEAREST = 6, 4  # words whose neighbors are told, and of how many
_COMMONEST = 400  # tokens among which they are looked for
_SHORTEST = 4  # letters of such a word


def columns(traces: Sequence[Trace]) -> Columns:
    """How long each text is, and what share of it is unknown, by which slices are made; nothing of subwords."""
    noted = [trace[NOTED] for trace in traces if NOTED in trace]
    if len(noted) < len(traces):
        return {}
    pieces, unknown = (np.array([one[name] for one in noted], dtype=np.float64) for name in ("pieces", "unknown"))
    return {"length in tokens": pieces, "share of unknown tokens": unknown / np.maximum(pieces, 1)}


def tell(
    model: nn.Module, prepared_by: Preparation, traces: Mapping[Part, Sequence[Trace]], few: Prepared
) -> tuple[Aside, ...]:
    """Tables for the report: lengths and unknown tokens by part, nearest words, and what attention weighs in a `few`.

    Of subwords no lengths are noted; of networks without vectors of their own no words are told.
    """
    found = [_lengths(prepared_by, traces), _neighbors(model, prepared_by), _attention(model, prepared_by, few)]
    return tuple(one for one in found if one is not None)


def _lengths(prepared_by: Preparation, traces: Mapping[Part, Sequence[Trace]]) -> Aside | None:
    longest = next((getattr(one, "longest", None) for name, one in prepared_by.transforms if name == NOTED), None)
    if longest is None:
        return None
    rows = []
    for part, some in traces.items():
        noted = [trace[NOTED] for trace in some if NOTED in trace]
        if not noted:
            continue
        pieces, unknown = (np.array([one[name] for one in noted]) for name in ("pieces", "unknown"))
        cut = int((pieces > longest).sum())
        lost = int(np.maximum(pieces - longest, 0).sum())
        rows.append(
            (
                part,
                f"{len(noted):,}",
                f"{int(np.median(pieces)):,}",
                f"{int(pieces.max()):,}",
                f"{cut:,} ({100 * lost / max(1, pieces.sum()):.1f} % of all tokens)",
                f"{100 * unknown.sum() / max(1, pieces.sum()):.1f} %",
            )
        )
    known = len(prepared_by.schema.inputs[0].classes) - FIRST
    return Aside(
        title="Length and vocabulary",
        says=f"The network knows {known:,} tokens and keeps {longest:,} of a text, from its two ends; what it does not "
        "know it takes for one and the same. More: --prepare.vocabulary and --prepare.longest.",
        head=("part", "texts", "tokens at the median", "at most", "texts cut off", "unknown tokens"),
        rows=tuple(rows),
    )


def _neighbors(model: nn.Module, prepared_by: Preparation) -> Aside | None:
    field = prepared_by.schema.inputs[0]
    names = field.classes[FIRST:]
    table = next(
        (one for one in model.modules() if isinstance(one, nn.Embedding) and one.num_embeddings == len(field.classes)),
        None,
    )
    common = [name for name in names[:_COMMONEST] if len(name) >= _SHORTEST and name.isalpha()]
    if table is None or not common:
        return None
    matrix = table.weight.detach().numpy()[FIRST : FIRST + 5000].astype(np.float32)
    chosen = common[:: max(1, len(common) // _WORDS)][:_WORDS]
    rows = []
    for word in chosen:
        near = vectors.neighbors(matrix, names[: len(matrix)], word, _NEAREST)
        rows.append((word, ", ".join(f"{one} ({cosine:.2f})" for one, cosine in near)))
    return Aside(
        title="Nearest words",
        says="By the cosine of the vectors that the network ended with: of a few thousand texts they tell what words "
        "do for the answer, not what they mean.",
        head=("word", "nearest"),
        rows=tuple(rows),
        apart=True,
    )


def _attention(model: nn.Module, prepared_by: Preparation, few: Prepared) -> Aside | None:
    """The words of most attention in a few texts, where the network pools by it."""
    scores = (one.score for one in model.modules() if isinstance(one, Pool) and one.score is not None)
    score, field = next(scores, None), prepared_by.schema.inputs[0]
    if score is None or len(few) == 0:
        return None
    kept: list[Tensor] = []
    handle = score.register_forward_hook(lambda _module, _given, found: kept.append(found.detach().squeeze(2)))
    fields, lengths = feed.tensors(few.columns, prepared_by.schema)
    try:
        with torch.no_grad():
            model.eval()(fields[field.name], lengths[field.name])
    finally:
        handle.remove()
    rows = []
    for name, tokens, weighed in zip(few.ids, few.columns[field.name], kept[-1], strict=True):
        shares = weighed[: len(tokens)].softmax(0).numpy()
        foremost = np.argsort(-shares, kind="stable")[:_NEAREST].tolist()
        rows.append((name, ", ".join(f"{field.classes[tokens[at]]} ({100 * shares[at]:.0f} %)" for at in foremost)))
    return Aside(
        title="Where attention lies",
        says="Mind: what a network attends to need not be what its answer rests on; other weights often give the same "
        "answer. What leaving a word out does to an answer is shown with the worst errors, and checked.",
        head=("text", "words of most weight"),
        rows=tuple(rows),
        apart=True,
    )
