"""The handwritten digits that scikit-learn carries, as PNG files of 8 x 8 gray pixels in a folder per class.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository
(CC BY 4.0): the 1,797 digits of its test part.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from stepwell import files
from stepwell.errors import DataError, MissingExtraError

DIFFICULTY = (
    "logistic regression reaches 0.967 to 0.972 accuracy, gradient boosting 0.958 to 0.972 (stratified fifth held out)"
)
"""Measured with scikit-learn's defaults on the pixels, seeds 0 to 2 of the split, 360 test digits each."""


def write(folder: str | Path, seed: int = 0) -> None:
    """Write ``folder/0/0000.png`` to ``folder/9/…``, 1,797 files; the same whatever the seed.

    `DataError` where the folder holds something already or cannot be written, `RunError` where nothing can be
    written beside it, `MissingExtraError` without scikit-learn.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-learn", "train", "The sample of image classification") from error
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DataError("There is something here already.", where=str(root), do="name a new or empty folder")
    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    beside = files.temporary_folder(root.resolve())
    try:
        for name in digits.target_names:
            (beside / str(name)).mkdir()
        for place, (image, label) in enumerate(zip(pixels, digits.target, strict=True)):
            Image.fromarray(image).save(beside / str(label) / f"{place:04d}.png")
        root.mkdir(parents=True, exist_ok=True)
        for one in sorted(beside.iterdir()):  # not synced to the disk: what is lost is soon written again
            one.rename(root / one.name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"The sample cannot be written: {reason}.", where=str(root), do="name another folder"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
