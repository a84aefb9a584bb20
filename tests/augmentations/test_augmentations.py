"""What every augmentation promises: keyed by example, in range, of the same dtype; and what each one does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stepwell import randomness
from stepwell.augmentations import affine, brightness_contrast, crop, cutmix, erasing, flip, mixup, noise
from stepwell.errors import RecipeError
from stepwell.schema import Batch, Field, Schema

FLIP = flip.Options(horizontal=True, vertical=True)
ALONE = [
    (flip, FLIP),
    (crop, crop.Options(padding=2)),
    (crop, crop.Options(fill="zeros")),
    (affine, affine.Options(rotate=30, scale=0.3, shear=10, translate=0.1, probability=0.8)),
    (brightness_contrast, brightness_contrast.Options(0.3, 0.5, 0.8)),
    (noise, noise.Options(0.2, 0.8)),
    (erasing, erasing.Options()),
]
PAIRED = [(mixup, mixup.Options(alpha=1.0, probability=0.8)), (cutmix, cutmix.Options(probability=0.8))]
CLASSES = ("ant", "bee", "cat")


def schema_of(*targets: Field, size: tuple[int, int, int] = (3, 9, 7), dtype: str = "uint8") -> Schema:
    label = Field("label", "category", "int64", classes=CLASSES)
    mean = 90.0 if dtype == "uint8" else 0.35
    return Schema((Field("image", "image", dtype, size, mean=(mean,) * size[0]),), targets or (label,), ())


def batch_of(
    count: int = 16, size: tuple[int, int, int] = (3, 9, 7), dtype: str = "uint8", **fields: torch.Tensor
) -> Batch:
    generator = torch.Generator().manual_seed(3)
    image = torch.randint(0, 256, (count, *size), generator=generator, dtype=torch.uint8)
    if dtype != "uint8":
        image = image.float() / 255
    keys = randomness.keys([f"example {i}" for i in range(count)])
    labels = torch.arange(count) % len(CLASSES)
    return Batch({"image": image, **(fields or {"label": labels})}, {}, keys)


def take(batch: Batch, rows: list[int]) -> Batch:
    return Batch({name: field[rows] for name, field in batch.fields.items()}, {}, batch.keys[rows])


def augmented(module, options, batch: Batch, schema: Schema | None = None, *, seed: int = 1, epoch: int = 0) -> Batch:
    image = batch.fields["image"]
    fitting = schema_of(size=tuple(image.shape[1:]), dtype=str(image.dtype).removeprefix("torch."))

    def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
        return randomness.draw(seed, name, epoch, batch.keys, shape)

    return module.apply(options, batch, schema or fitting, draw)


@pytest.mark.parametrize(("module", "options"), ALONE)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_an_example_changes_alike_in_every_batch_and_otherwise_in_every_epoch(module, options, dtype):
    batch = batch_of(dtype=dtype)
    whole = augmented(module, options, batch).fields["image"]
    rows = [9, 2, 5]
    assert torch.equal(augmented(module, options, take(batch, rows)).fields["image"], whole[rows])
    assert torch.equal(augmented(module, options, batch).fields["image"], whole)
    assert not torch.equal(augmented(module, options, batch, epoch=1).fields["image"], whole)
    assert not torch.equal(augmented(module, options, batch, seed=2).fields["image"], whole)


@pytest.mark.parametrize(("module", "options"), ALONE + PAIRED)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("size", [(1, 28, 28), (3, 9, 7), (1, 1, 1), (2, 1, 5)])
def test_shape_dtype_and_range_stay_and_the_batch_that_came_in_is_untouched(module, options, dtype, size):
    batch = batch_of(12, size, dtype)
    before = batch.fields["image"].clone()
    after = augmented(module, options, batch).fields["image"]
    assert after.shape == before.shape
    assert after.dtype == before.dtype
    assert torch.isfinite(after.float()).all()
    assert after.float().min() >= 0
    assert after.float().max() <= (255 if dtype == "uint8" else 1)
    assert torch.equal(batch.fields["image"], before)


@pytest.mark.parametrize(("module", "options"), ALONE)
def test_labels_keys_and_weights_pass_through(module, options):
    batch = batch_of()
    after = augmented(module, options, batch)
    assert torch.equal(after.fields["label"], batch.fields["label"])
    assert after.keys is batch.keys


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (flip, flip.Options(horizontal=False)),
        (flip, flip.Options(horizontal=True, probability=0)),
        (crop, crop.Options(padding=0)),
        (affine, affine.Options(0, 0, 0, 0)),
        (affine, affine.Options(90, probability=0)),
        (brightness_contrast, brightness_contrast.Options(0, 0)),
        (noise, noise.Options(0)),
        (noise, noise.Options(probability=0)),
        (erasing, erasing.Options(probability=0)),
        (mixup, mixup.Options(probability=0)),
        (cutmix, cutmix.Options(probability=0)),
    ],
)
def test_with_nothing_to_do_pictures_stay_exactly(module, options):
    batch = batch_of()
    assert torch.equal(augmented(module, options, batch).fields["image"], batch.fields["image"])


def test_flip_mirrors_half_of_the_pictures_each_way():
    batch = batch_of(400)
    image = batch.fields["image"]
    after = augmented(flip, flip.Options(horizontal=True), batch).fields["image"]
    mirrored = (after == image.flip(-1)).flatten(1).all(1)
    same = (after == image).flatten(1).all(1)
    assert (mirrored ^ same).all()
    assert 150 < mirrored.sum() < 250


def test_flip_refuses_an_auto_that_nobody_resolved():
    with pytest.raises(ValueError, match=r"flip\.horizontal is still 'auto'"):
        augmented(flip, flip.Options(), batch_of())


@pytest.mark.parametrize(("fill", "mode"), [("edge", "replicate"), ("reflect", "reflect"), ("zeros", "constant")])
def test_crop_is_a_window_of_the_padded_picture_and_every_place_comes_up(fill, mode):
    batch = batch_of(300)
    after = augmented(crop, crop.Options(2, fill), batch).fields["image"].float()
    padded = torch.nn.functional.pad(batch.fields["image"].float(), (2, 2, 2, 2), mode=mode)
    windows = torch.stack([padded[:, :, y : y + 9, x : x + 7] for y in range(5) for x in range(5)])
    match = (windows == after).flatten(2).all(2)
    assert match.any(0).all()
    assert match.any(1).all()


def test_crop_by_default_moves_by_an_eighth_of_the_shorter_side():
    batch = batch_of(64, (1, 16, 40))
    after = augmented(crop, crop.Options(fill="zeros"), batch).fields["image"]
    assert torch.equal(after, augmented(crop, crop.Options(2, "zeros"), batch).fields["image"])


def test_a_mask_moves_with_its_picture():
    mask = torch.randint(0, 2, (16, 9, 7), dtype=torch.uint8)
    batch = batch_of(image=mask[:, None].expand(-1, 3, -1, -1) * 255, mask=mask)
    schema = schema_of(Field("mask", "mask", "uint8", (9, 7)))
    for module, options in ((flip, FLIP), (crop, crop.Options(2, "zeros"))):
        after = augmented(module, options, batch, schema).fields
        assert torch.equal(after["mask"] * 255, after["image"][:, 0])
        assert not torch.equal(after["mask"], mask)
    after = augmented(affine, affine.Options(40), batch, schema).fields
    assert ((after["image"][:, 0] > 127) == after["mask"].bool()).float().mean() > 0.85


@pytest.mark.parametrize(
    ("module", "options"),
    [(flip, FLIP), (crop, crop.Options(4, "zeros")), (affine, affine.Options(rotate=0, scale=0.2, translate=0.1))],
)
def test_a_box_moves_with_what_it_holds(module, options):
    image = torch.zeros(50, 1, 40, 32, dtype=torch.uint8)
    image[:, :, 12:24, 10:18] = 200
    boxes = torch.tensor([[[10.0, 12.0, 18.0, 24.0]]]).repeat(50, 1, 1)
    batch = batch_of(50, (1, 40, 32), image=image, boxes=boxes)
    after = augmented(module, options, batch, schema_of(Field("boxes", "boxes", "float32", ("box", 4)))).fields
    for picture, box in zip(after["image"][:, 0], after["boxes"][:, 0], strict=True):
        rows, columns = (picture > 100).nonzero(as_tuple=True)
        seen = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        torch.testing.assert_close(box, seen.float(), atol=0 if module is not affine else 1.01, rtol=0)
    assert not torch.equal(after["boxes"], boxes)


def test_a_quarter_turn_is_exact():
    class Turn:
        def __call__(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
            numbers = np.full((4, *shape), 0.5)
            numbers[:, 0] = 1.0  # the greatest angle
            numbers[:, 5] = 0.0
            return numbers

    batch = batch_of(4, (2, 8, 8))
    schema = schema_of(size=(2, 8, 8))
    after = affine.apply(affine.Options(rotate=90, scale=0), batch, schema, Turn()).fields["image"]
    # Positive angles turn x towards y, which points down: clockwise on the screen.
    assert torch.equal(after, torch.rot90(batch.fields["image"], -1, (2, 3)))


def test_affine_equals_kornia():
    kornia = pytest.importorskip("kornia.geometry.transform")
    batch = batch_of(6, (3, 21, 33), "float32")
    numbers = randomness.draw(1, "map", 0, batch.keys, (6,))
    options = affine.Options(rotate=25, scale=0.2, shear=8, translate=0.1)
    found = augmented(affine, options, batch).fields["image"]
    maps = affine._maps(options, numbers, 21, 33)
    center = np.array([16.0, 10.0])  # kornia counts from the middle of the first pixel
    maps[:, :, 2] += center - maps[:, :, :2] @ center
    expected = kornia.warp_affine(
        batch.fields["image"], torch.tensor(maps, dtype=torch.float32), (21, 33), align_corners=True
    )
    torch.testing.assert_close(found, expected.clamp(0, 1), atol=2e-3, rtol=0)


def test_brightness_shifts_and_contrast_stretches_as_much_as_stated():
    batch = batch_of(500, (1, 8, 8))
    batch.fields["image"].copy_(torch.where(batch.fields["image"] > 127, 138, 118).to(torch.uint8))
    image = batch.fields["image"].float()
    shifted = augmented(brightness_contrast, brightness_contrast.Options(0.1, 0), batch).fields["image"].float()
    shift = (shifted - image).mean((1, 2, 3))
    assert shift.abs().max() <= 26
    assert shift.max() > 24
    assert shift.min() < -24
    stretched = augmented(brightness_contrast, brightness_contrast.Options(0, 0.5), batch).fields["image"].float()
    ratio = stretched.std((1, 2, 3)) / image.std((1, 2, 3))
    assert 0.45 < ratio.min() < 0.55
    assert 1.45 < ratio.max() < 1.55


def test_noise_is_normal_and_at_most_as_strong_as_stated():
    batch = batch_of(200, (1, 32, 32))
    batch.fields["image"].fill_(128)
    after = augmented(noise, noise.Options(0.1, 1.0), batch).fields["image"].float() - 128
    deviation = after.std((1, 2, 3))
    assert deviation.max() < 25.5 * 1.1
    assert deviation.max() > 23
    loud = after[deviation > 10]
    within = ((loud.abs() < loud.std((1, 2, 3), keepdim=True)).float()).mean()
    assert within == pytest.approx(0.683, abs=0.03)


def test_erasing_sets_one_rectangle_of_at_most_the_stated_area_to_the_mean():
    batch = batch_of(300, (2, 30, 20))
    batch.fields["image"].fill_(7)
    after = augmented(erasing, erasing.Options(area=0.3, probability=0.5), batch).fields["image"]
    erased = after == 90
    assert torch.equal(erased[:, 0], erased[:, 1])
    assert (erased | (after == 7)).all()
    erased = erased[:, 0]
    rectangle = erased.any(2)[:, :, None] & erased.any(1)[:, None, :]
    assert torch.equal(erased, rectangle)
    share = erased.float().mean((1, 2))
    assert 0.25 < share.max() < 0.33
    assert 100 < (share > 0).sum() < 200


@pytest.mark.parametrize(("module", "options"), PAIRED)
def test_labels_become_shares_of_two_classes(module, options):
    batch = batch_of(30)
    label = augmented(module, options, batch).fields["label"]
    assert label.shape == (30, 3)
    assert label.dtype == torch.float32
    torch.testing.assert_close(label.sum(1), torch.ones(30))
    assert ((label > 0).sum(1) <= 2).all()
    assert ((label > 0).sum(1) == 2).any()


def test_mixup_blends_pictures_in_the_shares_of_the_labels():
    image = torch.zeros(3, 1, 4, 4)
    for number in range(3):
        image[number] = float(number)
        image[number, 0, 0, 0], image[number, 0, 0, 1] = 0.0, 2.0  # so that every picture spans the same range
    batch = batch_of(3, (1, 4, 4), "float32", image=image, label=torch.arange(3))
    after = augmented(mixup, mixup.Options(1.0), batch).fields
    torch.testing.assert_close(after["image"][:, 0, 2, 2], after["label"] @ torch.tensor([0.0, 1.0, 2.0]))


def test_shares_follow_the_beta_distribution():
    batch = batch_of(4000, (1, 1, 1))
    for alpha in (0.2, 1.0):
        schema = Schema(
            schema_of(size=(1, 1, 1)).inputs,
            (Field("label", "category", "int64", classes=tuple(map(str, range(4000)))),),
            (),
        )
        own = augmented(
            mixup, mixup.Options(alpha), Batch({**batch.fields, "label": torch.arange(4000)}, {}, batch.keys), schema
        )
        share = own.fields["label"].diagonal()
        assert share.mean().item() == pytest.approx(0.5, abs=0.03)
        assert share.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.06)


def test_cutmix_gives_labels_the_share_of_the_pixels():
    batch = batch_of(40, (1, 12, 10))
    for number in range(40):
        batch.fields["image"][number] = number
    after = augmented(cutmix, cutmix.Options(probability=1.0), batch).fields
    for number in range(40):
        kept = (after["image"][number] == number).float().mean()
        assert after["label"][number, number % 3] >= kept - 1e-5
        pasted = after["image"][number].unique()
        assert len(pasted) <= 2
        other = [value for value in pasted.tolist() if value != number]
        if other and other[0] % 3 != number % 3:
            torch.testing.assert_close(after["label"][number, number % 3], kept)


def test_mixing_twice_takes_soft_labels():
    batch = augmented(mixup, mixup.Options(1.0), batch_of(12))
    twice = augmented(cutmix, cutmix.Options(), batch, seed=5).fields["label"]
    torch.testing.assert_close(twice.sum(1), torch.ones(12))


@pytest.mark.parametrize(("module", "options"), PAIRED)
def test_a_batch_of_one_stays_itself(module, options):
    batch = batch_of(1)
    after = augmented(module, options, batch)
    assert torch.equal(after.fields["image"], batch.fields["image"])
    assert after.fields["label"].tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize(("module", "options"), PAIRED)
def test_only_classes_can_be_blended(module, options):
    batch = batch_of(4, age=torch.zeros(4))
    with pytest.raises(RecipeError, match="'age' is of kind 'number'"):
        augmented(module, options, batch, schema_of(Field("age", "number", "float32")))


@pytest.mark.parametrize(("module", "options"), ALONE + PAIRED)
def test_channels_last_pictures_give_the_same(module, options):
    batch = batch_of()
    last = Batch(
        {**batch.fields, "image": batch.fields["image"].contiguous(memory_format=torch.channels_last)}, {}, batch.keys
    )
    torch.testing.assert_close(
        augmented(module, options, last).fields["image"],
        augmented(module, options, batch).fields["image"],
        atol=1,
        rtol=0,
    )
