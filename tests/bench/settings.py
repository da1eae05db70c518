"""What every measurement is told: where it may write, and whether a rough answer will do."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class MeasurementFailed(Exception):
    """A measurement could not be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`folder` is empty, and removed afterwards. `quick` asks for fewer rounds, `full` for all 20,000 images."""

    folder: Path
    quick: bool = False
    full: bool = False

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def child_environment(**more: str) -> dict[str, str]:
    """The environment for a process of the app: none of the user's own MEDLENS_ folders, the repository importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDLENS_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}
