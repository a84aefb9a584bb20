"""A picture saved anew lies in the part of its original."""

import io

import numpy as np
from PIL import Image

from stepwell import discovery, inspection, splitting
from stepwell.schema import Examples
from stepwell.splits import stratified


def pictures(count):
    """Files of 64 x 64 pixels in color, each followed by itself as a JPEG of quality 60."""
    found = []
    for seed in range(count):
        coarse = np.random.default_rng(seed).integers(0, 255, (9, 9, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BILINEAR)
        for options in ({"format": "PNG"}, {"format": "JPEG", "quality": 60}):
            file = io.BytesIO()
            picture.save(file, **options)
            found.append(file.getvalue())
    return found


def test_near_copies_are_found_by_looking_and_kept_together():
    files = pictures(30)
    names = tuple(f"{i:02}" for i in range(len(files)))
    labels = tuple("ab"[i // 2 % 2] for i in range(len(files)))
    examples = Examples(
        names,
        names,
        {"label": labels},
        lambda indices, views: {"image": [files[i] for i in indices]},
        "here",
        "fake",
    )
    seen = inspection.inspect(examples, discovery.task("image_classification"))
    hashes = [seen.noted(i, "likeness") for i in range(len(files))]
    assert all(len(one) == 64 for one in hashes)
    ties = splitting.find_ties(stratified.Options(), examples, hashes)
    rows = splitting.make_split(stratified.Options(), stratified, examples, seen.digests, 0, ties=ties)
    assert all(rows[i].part == rows[i + 1].part and rows[i].group == rows[i + 1].group for i in range(0, 60, 2))
    assert len({row.group for row in rows}) == 30
