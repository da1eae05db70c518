"""Memory of app and API in one process: three models, every page visited, a thousand predictions with maps."""

from contextlib import closing

from generated import SHIPPED, phantom_jpegs
from loading import drive, questions
from processes import Server, app_process, copy_models
from report import Goal, Row
from settings import MeasurementFailed, Settings
from visitor import Visitor
from waking import has_tensorflow

MEMORY_GOAL, GROWTH_GOAL, TENSORFLOW_GOAL = Goal("at most", 500), Goal("at most", 3), Goal("at most", 0)
MODELS, CLIENTS, PICTURE_PX = 3, 4, 1024
SETTLED, PREDICTIONS, STEPS = 200, 1000, 8
LATER = 3000  # predictions after which memory is looked at once more, to tell growth from settling
PAGES = ("live", "compare", "run", "data", "methods", "predict")


def growth(early: float, late: float) -> float:
    """How much larger `late` is, in percent of `early`; shrinking counts as none."""
    return max(0.0, 100 * (late / early - 1))


def visit(server: Server, picture: bytes) -> None:
    """Open every page, and let the Predict page answer a picture. Raises MeasurementFailed when one shows an error."""
    with closing(Visitor(server.port)) as visitor:
        for page in PAGES:
            visitor.open(page)
            if visitor.errors:
                raise MeasurementFailed(f"the page {page} shows {visitor.errors}")
        visitor.drop(picture, "picture.jpg")
        if len(visitor.headings) != 1:
            raise MeasurementFailed(f"the Predict page shows {visitor.headings} and the errors {visitor.errors}")


def measure(settings: Settings) -> list[Row]:
    """Resident memory after the visits, after 200 and after 1,000 predictions by four clients at once."""
    folder = settings.folder / "models"
    models = copy_models(folder, SHIPPED, MODELS)
    pictures = phantom_jpegs(2 * MODELS, PICTURE_PX)
    with app_process({"MEDLENS_MODELS": str(folder)}) as server:
        idle = server.resident_mb()
        visit(server, pictures[0])
        visited = server.resident_mb()
        asked = questions(pictures, models)
        drive(server, asked, clients=CLIENTS, count=SETTLED)
        held = [server.resident_mb()]
        for _ in range(STEPS):
            drive(server, asked, clients=CLIENTS, count=(PREDICTIONS - SETTLED) // STEPS)
            held.append(server.resident_mb())
        later = held[-1]
        if not settings.quick:
            drive(server, asked, clients=CLIENTS, count=LATER - PREDICTIONS)
            later = server.resident_mb()
        heavy = has_tensorflow(server)
    how = f"{MODELS} copies of {SHIPPED} under names of their own, {PICTURE_PX} px JPEG, {CLIENTS} clients at once"
    return [
        Row(f"Memory of app and API, {MODELS} models, after {PREDICTIONS:,} predictions with maps", held[-1], "MB",
            f"resident; {how}; all pages visited", MEMORY_GOAL),
        Row(f"the same, grown since prediction {SETTLED}", growth(held[0], held[-1]), "%",
            f"{held[0]:.0f} MB then; most {max(held):.0f} MB, least {min(held):.0f} MB on the way",
            GROWTH_GOAL),
        *([] if settings.quick else [
            Row(f"the same, grown from prediction {PREDICTIONS:,} to {LATER:,}", growth(held[-1], later), "%",
                f"{later:.0f} MB at the end")
        ]),
        Row("the same, before any prediction by the API", visited, "MB",
            f"all pages visited, one prediction on the page; {idle:.0f} MB before the first visit"),
        Row("the same, TensorFlow in the process", int(heavy), "", "modules and libraries", TENSORFLOW_GOAL),
    ]  # fmt: skip
