"""The first prediction of a fresh app process, by the API and on the page, and that TensorFlow stays out of it."""

import time
from contextlib import closing
from statistics import median

from client import Client
from generated import SHIPPED, phantom_jpegs
from processes import Server, app_process
from report import Goal, Row
from settings import MeasurementFailed, Settings
from timing import described
from visitor import Visitor

FIRST_GOAL, TENSORFLOW_GOAL = Goal("at most", 1.5), Goal("at most", 0)
PICTURE_PX = 1024  # about the size of a radiograph in the public sets
LIBRARY = "libtensorflow"


def has_tensorflow(server: Server) -> bool:
    """Whether TensorFlow is among the modules of the process, or among the libraries in its memory."""
    return bool(Client(server.port).get("/health")["tensorflow_loaded"]) or bool(server.has_mapped(LIBRARY))


def by_api(picture: bytes) -> tuple[float, float, bool]:
    """Seconds of the first and of the second prediction of a fresh app, and whether TensorFlow came with them."""
    with app_process() as server, closing(Client(server.port)) as client:
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            client.predict(picture, SHIPPED)
            seconds.append(time.perf_counter() - started)
        return seconds[0], seconds[1], has_tensorflow(server)


def on_page(picture: bytes) -> tuple[float, float, bool]:
    """Seconds to open the Predict page of a fresh app, and from a dropped picture to its map; and TensorFlow."""
    with app_process() as server, closing(Visitor(server.port)) as visitor:
        opened = visitor.open()
        dropped = visitor.drop(picture, "picture.jpg")
        if visitor.errors or len(visitor.headings) != 1:
            raise MeasurementFailed(f"the page shows {visitor.headings} and the errors {visitor.errors}")
        return opened, dropped, has_tensorflow(server)


def measure(settings: Settings) -> list[Row]:
    """Several fresh processes, one after the other: half of them asked by the API, half visited."""
    (picture,) = phantom_jpegs(1, PICTURE_PX)
    rounds = settings.rounds(5, 2)
    asked, visited = [by_api(picture) for _ in range(rounds)], [on_page(picture) for _ in range(rounds)]
    first, second, opened, dropped = (
        [float(one[column]) for one in found] for found, column in ((asked, 0), (asked, 1), (visited, 0), (visited, 1))
    )
    heavy = sum(one[2] for one in (*asked, *visited))
    how = f"{SHIPPED}, {PICTURE_PX} px JPEG, maps of all classes, fresh process"
    return [
        Row("First prediction after the app is up, by the API", median(first), "s",
            f"{how}; {described(first, ' s')}", FIRST_GOAL),
        Row("the same, second prediction", 1000 * median(second), "ms", "same process"),
        Row("First prediction on the page, from the dropped picture to its map", median(dropped), "s",
            f"the page was open; {described(dropped, ' s')}", FIRST_GOAL),
        Row("the same, opening the page before", median(opened), "s", f"first visit; {described(opened, ' s')}"),
        Row("the same, processes with TensorFlow in them", heavy, "", f"of {2 * rounds}; modules and libraries",
            TENSORFLOW_GOAL),
    ]  # fmt: skip
