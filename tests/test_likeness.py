"""Pictures that look alike: what leaves a hash near, what does not, and sets of near ones against all pairs."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stepwell import likeness


def scene(seed, side=64):
    """Gray levels `(side, side)` with the spectrum of photographs: power falls with the square of the frequency."""
    draw = np.random.default_rng(seed).normal(size=(side, side))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    values = np.fft.ifft2(np.fft.fft2(draw) / np.maximum(frequency, 1 / side)).real
    return np.clip(128 + 45 * (values - values.mean()) / values.std(), 0, 255).astype(np.uint8)


def saved(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


CHANGES = {
    "saved anew": lambda one: saved(one, 40),
    "half the size": lambda one: np.asarray(Image.fromarray(one).resize((48, 48), Image.Resampling.LANCZOS)),
    "darker": lambda one: (one * 0.6).astype(np.uint8),
    "noise": lambda one: np.clip(one + np.random.default_rng(0).normal(0, 3, one.shape), 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_looks_like_its_original_and_nothing_else_does(change):
    originals = [scene(seed, 96) for seed in range(60)]
    hashes = [likeness.perceptual(one) for one in (*originals, *map(CHANGES[change], originals))]
    assert set(likeness.sets(hashes).sets) == {(i, i + 60) for i in range(60)}


def test_small_and_plain_pictures_have_no_hash():
    assert likeness.perceptual(scene(0, 31)) is None
    assert likeness.perceptual(np.full((64, 64), 200, dtype=np.uint8)) is None
    assert len(likeness.perceptual(scene(0, 32))) == 64
    assert likeness.sets([None, None, None]).sets == ()
    assert likeness.sets([]).sets == ()


def distance(one, other, digits):
    return (int(one[:digits], 16) ^ int(other[:digits], 16)).bit_count()


@given(
    st.lists(st.lists(st.integers(0, 255), max_size=60), min_size=2, max_size=14),
    st.integers(0, 10),
    st.randoms(use_true_random=False),
)
def test_the_sets_are_the_connected_components_of_near_pairs(flips, near, random):
    base = [random.getrandbits(256) for _ in range(3)]
    values = []
    for number, bits in enumerate(flips):
        value = base[number % 3]
        for bit in bits[: random.randint(0, 3 * near)]:
            value ^= 1 << bit
        values.append(f"{value:064x}")
    reach = {i: {i} for i in range(len(values))}  # the oracle: spread until nothing changes
    tied = {
        i: {j for j, b in enumerate(values) if distance(a, b, 16) <= near and distance(a, b, 64) <= 8 * near}
        for i, a in enumerate(values)
    }
    for _ in values:
        reach = {i: set().union(*(tied[j] for j in reach[i])) for i in reach}
    expected = {tuple(sorted(one)) for one in reach.values() if len(one) > 1}
    assert set(likeness.sets(values, near).sets) == expected


def test_where_everything_looks_alike_nothing_is_a_copy():
    one = likeness.perceptual(scene(0))
    others = [likeness.perceptual(scene(seed)) for seed in range(1, 31)]
    found = likeness.sets([one] * 30 + others)
    assert found.sets == ()
    assert found.why_none == "one set would hold 30 of 60 pictures: likeness is their nature"
    assert likeness.sets([one] * 20 + others).sets == (tuple(range(20)),)


def test_many_hashes_are_searched_without_looking_at_all_pairs():
    words = np.random.default_rng(0).integers(0, 256, (20_000, 32), dtype=np.uint8)
    hashes = [row.tobytes().hex() for row in words]
    hashes[7] = f"{int(hashes[19_000], 16) ^ (0b10011 << 240):064x}"
    assert likeness.sets(hashes).sets == ((7, 19_000),)
