"""Rows and pictures as an inspection has noted them: clean ones of many kinds, and ones with a planted fault."""

import dataclasses

import numpy as np

from stepwell import inspection
from stepwell.inspection import Inspection
from stepwell.schema import Examples

Y, N = "yes", "no"


def rows(columns, label=None, value=None, **facts):
    """The inspection of rows of columns, as of a table."""
    count = len(label if label is not None else value)
    ids = tuple(f"row {i + 1}" for i in range(count))
    if label is not None:
        facts["label"] = [str(one) for one in label]
    if value is not None:
        facts["value"] = [float(one) for one in value]
    facts = {name: tuple(values) for name, values in facts.items()}

    def fetch(indices, views):
        at = np.asarray(indices)
        return {k: v[at] if isinstance(v, np.ndarray) else [v[i] for i in at.tolist()] for k, v in columns.items()}

    examples = Examples(ids, ids, facts, fetch, "here", "fake", columns=tuple(columns))
    return inspection._table(examples, inspection.classes(facts.get("label", ())))


def numbered(matrix):
    return {f"x{i}": matrix[:, i].copy() for i in range(matrix.shape[1])}


def ordinary(seed=0, n=400):
    """Five normal columns and a label that two of them tell in part."""
    r = np.random.default_rng(seed)
    x = r.normal(size=(n, 5))
    return r, numbered(x), np.where(x[:, 0] + x[:, 1] + r.normal(size=n) > 0, Y, N)


def measured(seed=0, n=400):
    """Five normal columns and a number that three of them tell in part."""
    r = np.random.default_rng(seed)
    x = r.normal(size=(n, 5))
    return r, numbered(x), 3 * x[:, 0] + np.sin(2 * x[:, 1]) + x[:, 2] * x[:, 3] + 0.5 * r.normal(size=n)


def pictures(looks, labels, parts=None):
    """The inspection of pictures whose looks are given."""
    count = len(labels)
    names = tuple(f"p{i}.png" for i in range(count))
    facts = {"label": tuple(labels), **({"part": tuple(parts)} if parts is not None else {})}
    return Inspection(
        examples=Examples(names, names, facts, lambda i, v: {}, "here", "fake"),
        looked=tuple(range(count)),
        errors={},
        digests=tuple(f"d{i}" for i in range(count)),
        sizes={},
        labels=tuple(labels),
        anchor=(),
        note="",
        looks=dict(enumerate(looks)),
    )


def shown(seed=0, n=300, size=(32, 32)):
    """Looks of colored pictures of two classes of unlike means, and their labels."""
    r = np.random.default_rng(seed)
    labels = r.integers(0, 2, n)
    middle = r.normal(128, 25, (2, 192))
    pixels = np.clip(middle[labels] + r.normal(0, 20, (n, 192)), 0, 255).astype(np.uint8)
    looks = [
        {
            "height": size[0],
            "width": size[1],
            "gray": False,
            "thumbnail": one.tobytes(),
            "likeness": r.bytes(32).hex(),
        }
        for one in pixels
    ]
    return r, looks, [f"class {one}" for one in labels]


# Clean data


def _blobs(r, n):
    y = r.integers(0, 3, n)
    return rows(numbered(2 * r.normal(size=(3, 6))[y] + r.normal(size=(n, 6))), [f"c{i}" for i in y])


def _heavy_tails(r, n):
    x = np.exp(1.5 * r.normal(size=(n, 6)))
    return rows(numbered(x), np.where(np.log(x[:, 0]) + r.normal(size=n) > 0, Y, N))


def _people(r, n):
    age, hours = np.clip(r.normal(40, 13, n).round(1), 17, 90), r.integers(10, 80, n).astype(float)
    gain = np.where(r.random(n) < 0.1, r.exponential(5000, n).round(), 0.0)
    job = [["clerk", "nurse", "smith", "cook", None][i] for i in r.integers(0, 5, n)]
    city = [f"city {i}" for i in np.minimum(r.geometric(0.1, n), 30)]
    other = np.where(r.random(n) < 0.15, np.nan, r.normal(size=n))
    rich = r.random(n) < 1 / (1 + np.exp(-((age - 40) / 13 + (hours - 45) / 20 + gain / 5000 - 1)))
    return rows({"age": age, "hours": hours, "gain": gain, "job": job, "city": city, "other": other}, rich)


def _prices(r, n):
    rooms, income = np.exp(r.normal(7, 0.8, n)).round(), r.gamma(4, 1, n)
    people, lat = (rooms * np.exp(r.normal(-0.6, 0.3, n))).round(), r.uniform(32, 42, n)
    near = [["bay", "ocean", "inland"][i] for i in r.integers(0, 3, n)]
    value = np.minimum(5e5, 40_000 * income * np.exp(r.normal(0, 0.3, n)))
    return rows({"rooms": rooms, "people": people, "income": income, "lat": lat, "near": near}, value=value)


def _dated(r, n):
    day = [str(np.datetime64("2020-01-01") + int(i)) for i in np.sort(r.integers(0, 700, n))]
    x = r.normal(size=(n, 4))
    return rows({"day": day, **numbered(x)}, np.where(x[:, 0] + r.normal(size=n) > 0, Y, N))


def _given_parts(r, n):
    x = r.normal(size=(n, 5))
    label = np.where(x[:, 0] + r.normal(size=n) > 0, Y, N)
    x[r.random(x.shape) < 0.1] = np.nan
    part = r.choice(["train", "valid", "test"], n, p=[0.6, 0.2, 0.2])
    return rows({"sex": [["m", "f"][i] for i in r.integers(0, 2, n)], **numbered(x)}, label, part=part.tolist())


def _moons(r, n):
    angle, y = r.uniform(0, np.pi, n), r.integers(0, 2, n)
    x = np.cos(angle) * (1 - 2 * y) + y + 0.15 * r.normal(size=n)
    height = np.sin(angle) * (1 - 2 * y) + y / 2 + 0.15 * r.normal(size=n)
    return rows({"x": x, "height": height, "noise": r.normal(size=n)}, [f"moon {i}" for i in y])


def _ordinary(r, n):
    _, columns, label = ordinary(int(r.integers(2**31)), n)
    return rows(columns, label)


def _measured(r, n):
    _, columns, value = measured(int(r.integers(2**31)), n)
    return rows(columns, value=value)


def _pictures(r, n):
    _, looks, labels = shown(int(r.integers(2**31)), n)
    return pictures(looks, labels)


CLEAN = (
    _blobs,
    _heavy_tails,
    _people,
    _prices,
    _dated,
    _given_parts,
    _moons,
    _ordinary,
    _measured,
    _pictures,
)

# Planted leaks


def copied():
    _, columns, label = ordinary()
    return rows({**columns, "outcome": np.where(label == Y, 1.0, 0.0)}, label)


def converted():
    _, columns, value = measured()
    return rows({**columns, "in_dollars": 1.08 * value + 4}, value=value)


def told_afterwards():
    r, columns, label = ordinary()
    return rows({**columns, "discharge_code": np.where(label == Y, 1.0, -1.0) * r.uniform(1, 2, len(label))}, label)


def summed():
    r, columns, _ = measured()
    a, b = r.gamma(2, 100, 400), r.gamma(2, 80, 400)
    return rows({**columns, "net": a, "tax": b}, value=a + b)


def either_or():
    r, columns, _ = ordinary()
    a, b = r.integers(0, 2, 400), r.integers(0, 2, 400)
    spelled = {"left": [f"l{i}" for i in a], "right": [f"r{i}" for i in b]}
    return rows({**columns, **spelled}, np.where(a == b, Y, N))


def filled_in_after():
    r, columns, label = ordinary()
    gone = (label == N) & (r.random(400) < 0.9)
    return rows({**columns, "date_of_claim": np.where(gone, np.nan, r.normal(size=400))}, label)


def in_waves():
    r, columns, _ = ordinary()
    day = [str(np.datetime64("2021-03-01") + i) for i in range(400)]
    season = np.sin(np.arange(400) / 15) + 0.2 * r.normal(size=400)
    order = r.permutation(400)
    return rows({"day": [day[i] for i in order], **columns}, np.where(season > 0, Y, N)[order])


def a_calendar_of_columns():
    """Monthly measures that grow with the years, the rows in any order."""
    r, columns, _ = ordinary()
    months = np.arange(400)
    order = r.permutation(400)
    names = ["January", "feb", "Mar.", "April", "May", "June", "July", "Aug", "Sept", "Oct", "nov", "December"]
    calendar = {"Year": (1980.0 + months // 12)[order], "month": [names[i % 12] for i in order]}
    grown = months + 20 * np.sin(months / 2) + r.normal(0, 10, 400)
    return rows({**calendar, **{name: column[order] for name, column in columns.items()}}, value=grown[order])


def sorted_by_label():
    _, columns, label = ordinary()
    order = np.argsort(label, kind="stable")
    return rows({"number": np.arange(400.0), **{k: v[order] for k, v in columns.items()}}, label[order])


def cut_groups():
    r, columns, label = ordinary()
    part = r.choice(["train", "test"], 400).tolist()
    return rows(columns, label, part=part, group=[f"patient {i % 80}" for i in range(400)])


def copies_in_test():
    _, columns, label = ordinary()
    part = ["train"] * 300 + ["test"] * 100
    columns = {name: np.concatenate([column[:390], column[:10]]) for name, column in columns.items()}
    return rows(columns, np.concatenate([label[:390], label[:10]]), part=part)


def other_scanner():
    _, looks, labels = shown()
    sizes = {"class 0": (512, 640), "class 1": (480, 600)}
    looks = [{**a, "height": sizes[b][0], "width": sizes[b][1]} for a, b in zip(looks, labels, strict=True)]
    return pictures(looks, labels)


def gray_means_ill():
    _, looks, labels = shown()
    return pictures([{**a, "gray": b == "class 0"} for a, b in zip(looks, labels, strict=True)], labels)


def saved_anew():
    _, looks, labels = shown()
    for i in range(12):
        looks[250 + i] = {**looks[250 + i], "likeness": looks[i]["likeness"]}
    return pictures(looks, labels, parts=["train"] * 200 + ["valid"] * 50 + ["test"] * 50)


LEAKS = {
    "target_copy": (copied, converted),
    "label_revealing": (told_afterwards, sorted_by_label),
    "label_revealing_pair": (summed, either_or),
    "missingness_reveals": (filled_in_after,),
    "time_order": (in_waves, a_calendar_of_columns),
    "groups_across_parts": (cut_groups,),
    "duplicates_across_parts": (copies_in_test,),
    "size_reveals": (other_scanner,),
    "mode_reveals": (gray_means_ill,),
    "near_duplicates_across_parts": (saved_anew,),
}

# Other planted faults


def never_changing():
    _, columns, label = ordinary()
    return rows({**columns, "country": ["here"] * 400, "fax": [None] * 400}, label)


def running():
    r, columns, label = ordinary()
    return rows({"number": r.permutation(400) + 1000.0, **columns}, label)


def keyed():
    r, columns, label = ordinary()
    return rows({"key": [r.bytes(6).hex() for _ in range(400)], **columns}, label)


def told_at_length():
    r, columns, label = ordinary()
    words = np.array(["the", "house", "by", "sea", "was", "old", "and", "cold", "but", "we", "liked", "it"])
    return rows({"remark": [" ".join(r.choice(words, 8)) for _ in range(400)], **columns}, label)


def said_twice():
    r, columns, label = ordinary()
    level = r.integers(0, 6, 400)
    twice = {"school": [f"s{i}" for i in level], "years": np.array([4, 8, 10, 12, 13, 16])[level].astype(float)}
    return rows({**columns, "x0_in_inches": columns["x0"] / 2.54 + 7, **twice}, label)


def words_among_numbers():
    r, columns, label = ordinary()
    cells = [f"{one:.2f}" for one in r.normal(size=400)]
    return rows({**columns, "weight": ["heavy", "unknown", None, *cells[3:]]}, label)


def a_slip_of_unit():
    r, columns, label = ordinary()
    height = r.normal(175, 9, 400)
    height[[5, 90]] = 17_600, 18_100
    return rows({**columns, "height": height}, label)


def stand_ins():
    r, columns, label = ordinary()
    return rows({**columns, "age": np.where(r.random(400) < 0.03, -999.0, r.uniform(18, 80, 400).round(1))}, label)


def endless():
    _, columns, label = ordinary()
    columns["x2"][7] = np.inf
    return rows(columns, label)


def shifted():
    _, columns, label = ordinary()
    columns["x3"][300:] += 1.0
    return rows(columns, label, part=["train"] * 300 + ["test"] * 100)


def wide():
    r = np.random.default_rng(0)
    return rows(numbered(r.normal(size=(60, 70))), r.choice([Y, N], 60))


def mislabeled():
    r = np.random.default_rng(3)
    y = r.integers(0, 3, 1000)
    data = rows(numbered(3 * np.eye(3, 6)[y] + r.normal(size=(1000, 6)) / 2), [f"c{i}" for i in y])
    labels = list(data.labels)
    for i in range(0, 1000, 20):
        labels[i] = {"c0": "c1", "c1": "c2", "c2": "c0"}[labels[i]]
    return dataclasses.replace(data, labels=tuple(labels))


def mislabeled_pictures():
    _, looks, labels = shown(n=1000)
    return pictures(looks, ["class 0" if i % 10 == 0 else one for i, one in enumerate(labels)])


def a_thumbnail_among_photos():
    _, looks, labels = shown()
    looks[4] = {**looks[4], "height": 5, "width": 31}
    return pictures(looks, labels)


def some_gray():
    _, looks, labels = shown()
    return pictures([{**one, "gray": i % 9 == 0} for i, one in enumerate(looks)], labels)


def a_logo():
    _, looks, labels = shown()
    looks[8] = {**looks[8], "thumbnail": bytes([255, 0] * 96)}
    return pictures(looks, labels)


def blank():
    _, looks, labels = shown()
    looks[8] = {**looks[8], "thumbnail": bytes([17] * 192)}
    return pictures(looks, labels)


def frames():
    _, looks, labels = shown()
    for i in range(1, 9):
        looks[i] = {**looks[i], "likeness": looks[0]["likeness"]}
    return pictures(looks, labels)


FAULTS = {
    "constant_columns": (never_changing,),
    "id_like": (running, keyed),
    "free_text": (told_at_length,),
    "duplicated_columns": (said_twice,),
    "mixed_types": (words_among_numbers,),
    "outliers": (a_slip_of_unit,),
    "stand_in": (stand_ins,),
    "infinite": (endless,),
    "drift": (shifted,),
    "many_columns": (wide,),
    "suspected_labels": (mislabeled, mislabeled_pictures),
    "sizes": (a_thumbnail_among_photos,),
    "modes": (some_gray,),
    "odd_ones": (a_logo,),
    "empty_pictures": (blank,),
    "near_duplicates": (frames,),
}
