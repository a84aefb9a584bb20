"""Pictures and texts that are alike: what leaves a hash near, what does not, and sets of near ones."""

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
    assert found.why_none == "one set would hold 30 of 60 examples: likeness is their nature"
    assert likeness.sets([one] * 20 + others).sets == (tuple(range(20)),)


def test_many_hashes_are_searched_without_looking_at_all_pairs():
    words = np.random.default_rng(0).integers(0, 256, (20_000, 32), dtype=np.uint8)
    hashes = [row.tobytes().hex() for row in words]
    hashes[7] = f"{int(hashes[19_000], 16) ^ (0b10011 << 240):064x}"
    assert likeness.sets(hashes).sets == ((7, 19_000),)


def novel(seed, length):
    """Words `(length,)` as a language has them: few that are common, many that are rare."""
    ranks = np.random.default_rng(seed).zipf(1.3, length) % 5000
    return [f"w{rank}" for rank in ranks]


def shared(one, other):
    """The exact share of runs of three words that two texts have in common (Jaccard)."""
    runs = [set(zip(text, text[1:], text[2:], strict=False)) for text in (one, other)]
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


@given(st.integers(0, 2**32), st.integers(30, 400), st.integers(0, 60))
def test_the_bits_in_which_texts_differ_tell_the_share_of_their_runs(seed, length, changes):
    one = novel(seed, length)
    other = list(one)
    for place in np.random.default_rng(seed + 1).integers(0, length, changes):
        other[place] = f"x{place}"
    bits = distance(likeness.shingled(one), likeness.shingled(other), 64)
    expected = (1 - shared(one, other)) / 2
    assert abs(bits / 256 - expected) < 5 * np.sqrt(max(expected, 1 / 256) / 256)


def test_texts_with_another_ending_are_near_copies_and_strangers_are_not():
    originals = [novel(seed, 120) for seed in range(200)]
    copies = [[*one[:-2], "the", "end"] for one in originals]
    found = likeness.sets([likeness.shingled(one) for one in (*originals, *copies)]).sets
    pairs = {(i, i + 200) for i in range(200)}
    assert set(found) <= pairs
    assert len(found) > 190


def test_words_are_compared_without_case_and_signs_and_short_texts_not_at_all():
    words = likeness.words("It's GREAT, isn't it? Yes; it is -- really!")
    assert words == ["it", "s", "great", "isn", "t", "it", "yes", "it", "is", "really"]
    assert likeness.shingled(words) == likeness.shingled(likeness.words("it's great isn't it yes it is really"))
    assert likeness.shingled(["one"] * 7) is None
    assert likeness.shingled([]) is None
    assert len(likeness.shingled(novel(0, 100_000))) == 64
