"""Three invented stations: sunshine that is announced, and temperature and wind that follow it with some inertia."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path

import numpy as np

from stepwell import files

STATIONS = {"Hill": 900.0, "Lake": 300.0, "Plain": 100.0}
HOURS = 1200
BEGIN = datetime.datetime(2024, 3, 1, tzinfo=datetime.UTC)

DIFFICULTY = "the last value, repeated, is off by about 0.57 standard deviations"


def write(folder: str | Path, seed: int = 0) -> None:
    """Write `weather.csv`; each station begins two hours after the one before, so that their windows never agree."""
    generator = np.random.default_rng(seed)
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["time", "station", "height", "sun", "temperature", "wind"])
    sky = np.repeat(generator.uniform(0.1, 1.0, HOURS // 6 + 2), 6)
    for number, (station, height) in enumerate(STATIONS.items()):
        temperature, wind = 10.0 - height / 150, 3.0
        for hour in range(2 * number, HOURS):
            sun = max(0.0, float(np.sin(2 * np.pi * (hour % 24 - 6) / 24))) * sky[hour]
            target = 22.0 * sun + 4.0 - height / 150
            temperature += 0.25 * (target - temperature) + 0.4 * generator.standard_normal()
            wind += 0.3 * (2.0 + 5.0 * (1.0 - sun) + height / 400 - wind) + 0.3 * generator.standard_normal()
            time = (BEGIN + datetime.timedelta(hours=hour)).isoformat()
            writer.writerow([time, station, height, f"{sun:.3f}", f"{temperature:.2f}", f"{wind:.2f}"])
    Path(folder).mkdir(parents=True, exist_ok=True)
    files.write_whole(Path(folder) / "weather.csv", table.getvalue())
