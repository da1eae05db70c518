"""Clients that ask a server at the same time: how many answers a second, how long each took, and what they said."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from client import FORM, Client, form
from processes import Server, own_processor_seconds
from settings import MeasurementFailed


@dataclass(frozen=True, slots=True)
class Question:
    """One request for a prediction with maps; `file_name` comes back in the answer."""

    file_name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Load:
    """What became of one load: `answers` are (file name asked for, body), in no order."""

    seconds: float
    processor_seconds: float
    latencies: tuple[float, ...]
    answers: tuple[tuple[str, bytes], ...]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.answers) / self.seconds

    @property
    def cores_used(self) -> float:
        """Processor seconds of server and clients per second."""
        return self.processor_seconds / self.seconds


def questions(pictures: Sequence[bytes], models: Sequence[str]) -> list[Question]:
    """One question per picture, the models taken in turn; every file name is another."""
    names = [f"picture-{number:03d}.jpg" for number in range(len(pictures))]
    return [
        Question(name, form(picture, name, model=models[number % len(models)], explain="maps"))
        for number, (name, picture) in enumerate(zip(names, pictures, strict=True))
    ]


def drive(server: Server, asked: Sequence[Question], *, clients: int, count: int) -> Load:
    """`count` predictions by `clients` threads, each with a connection of its own; the questions are taken in turn.

    Raises: MeasurementFailed when one of them was not answered.
    """
    waiting: SimpleQueue[Question] = SimpleQueue()
    for number in range(count):
        waiting.put(asked[number % len(asked)])
    found: list[tuple[str, bytes, float]] = []  # list.append is safe between threads
    faults: list[Exception] = []

    def work() -> None:
        client = Client(server.port)
        try:
            while True:
                question = waiting.get_nowait()
                began = time.perf_counter()
                answer = client.post("/api/predict", question.body, FORM)
                found.append((question.file_name, answer, time.perf_counter() - began))
        except Empty:
            pass
        except Exception as error:  # noqa: BLE001 - it is raised again in the caller's thread
            faults.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    processor, started = server.processor_seconds() + own_processor_seconds(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    processor = server.processor_seconds() + own_processor_seconds() - processor
    if faults:
        raise MeasurementFailed(f"{len(faults)} of {clients} clients stopped: {faults[0]}")
    return Load(
        seconds, processor, tuple(took for *_, took in found), tuple((name, answer) for name, answer, _ in found)
    )


def numbers(answer: bytes) -> tuple[str, tuple[float, ...]]:
    """File name, and every number that depends on the picture: probabilities, then the cells of all maps."""
    (one,) = json.loads(answer)["predictions"]
    cells = [value for grid in one["maps"].values() for row in grid["values"] for value in row]
    return one["file"], (*one["probabilities"].values(), *cells)


def distance(first: Sequence[float], second: Sequence[float]) -> float:
    """Largest difference of two answers' numbers; infinite when there are not as many of them."""
    if len(first) != len(second):
        return float("inf")
    return max((abs(a - b) for a, b in zip(first, second, strict=True)), default=0.0)
