"""From `streamlit run app.py` to the first answer of its health check."""

from statistics import median

from processes import app_process
from report import Goal, Row
from settings import Settings
from timing import described

GOAL = Goal("at most", 4.0)


def start_once() -> float:
    """Seconds until the app answers. Raises MeasurementFailed when it ends or stays silent for a minute."""
    with app_process() as server:
        return server.start_seconds


def measure(settings: Settings) -> list[Row]:
    """Start the app several times, each on a free port, and stop it again."""
    seconds = [start_once() for _ in range(settings.rounds(3, 2))]
    return [Row("App start until the health check answers", median(seconds), "s", described(seconds, " s"), GOAL)]
