"""Many clients at once: every answer is its own picture's, first come first served, and a full line says so."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from core import limits
from core.serve.line import Line

HEADERS = {"content-type": "image/png"}


def test_sixteen_clients_at_once_each_get_the_answer_of_their_own_picture(client, helpers):
    reds = [3 + 15 * i for i in range(16)]
    pictures = [helpers.picture(red) for red in reds]
    everybody = threading.Barrier(16)

    def ask(number):
        with httpx.Client(base_url=client.base_url) as own:
            everybody.wait(20)
            found = []
            for _ in range(6):
                live = own.post("/api/live?model=fake", content=pictures[number], headers=HEADERS).json()
                form = own.post("/api/predict", files={"file": (f"{number}.png", pictures[number])}).json()
                (one,) = form["predictions"]
                assert one["file"] == f"{number}.png"
                found += [live["probabilities"][1], one["probabilities"]["Nodule"]]
            return found

    with ThreadPoolExecutor(16) as threads:
        for red, found in zip(reds, threads.map(ask, range(16)), strict=True):
            assert found == pytest.approx([red / 255] * 12)


def test_when_the_line_is_full_the_next_one_is_told_to_come_again(helpers):
    predictor = helpers.Predictor(helpers.card())
    predictor.open.clear()
    line = Line(workers=1, most=2)
    with helpers.client(helpers.Models(predictor), line=line) as client, ThreadPoolExecutor(2) as threads:
        waiting = [
            threads.submit(httpx.post, f"{client.base_url}/api/live", content=helpers.picture(1), headers=HEADERS)
            for _ in range(2)
        ]
        end = time.monotonic() + 10
        while line.inside < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        for path, body in (("/api/live", {"content": helpers.picture(1), "headers": HEADERS}),
                           ("/api/predict", {"files": {"file": helpers.picture(1)}}),
                           ("/api/overlay", {"files": {"file": helpers.picture(1)}}),
                           ("/video_frame/", {"files": {"file": helpers.picture(1)}})):  # fmt: skip
            full = client.post(path, **body)
            assert (full.status_code, full.headers["retry-after"]) == (503, "1")
            assert "waiting" in full.json()["error"] and full.json()["incident"]
        assert client.get("/health").status_code == 200  # who only looks is still answered
        predictor.open.set()
        assert [w.result(10).status_code for w in waiting] == [200, 200]
        assert client.post("/api/live", content=helpers.picture(1), headers=HEADERS).status_code == 200


def test_while_pictures_are_worked_on_the_event_loop_answers_at_once(helpers):
    predictor, line = helpers.Predictor(helpers.card()), Line(workers=1)
    predictor.open.clear()  # the network answers only when the test says so, however busy the machine is
    with helpers.client(helpers.Models(predictor), line=line) as client, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(client.post, "/api/live", content=helpers.picture(1), headers=HEADERS)
        while line.inside < 1:
            time.sleep(0.005)
        with httpx.Client(base_url=client.base_url) as other:
            assert other.get("/health", timeout=10).status_code == 200
        assert not asked.done()
        predictor.open.set()
        assert asked.result(10).status_code == 200


def test_first_come_is_first_served(helpers):
    predictor = helpers.Predictor(helpers.card())
    seen, run = [], predictor.run
    predictor.run = lambda batch, *, maps: (seen.append(int(batch[0, 0, 0, 0])), run(batch, maps=maps))[1]
    predictor.open.clear()
    line = Line(workers=1)
    with helpers.client(helpers.Models(predictor), line=line) as client, ThreadPoolExecutor(5) as threads:
        asked = []
        for number in range(5):
            picture = helpers.picture(10 * number)
            asked.append(threads.submit(httpx.post, f"{client.base_url}/api/live", content=picture, headers=HEADERS))
            while line.inside <= number:
                time.sleep(0.005)
        predictor.open.set()
        assert [a.result(10).status_code for a in asked] == [200] * 5
    assert seen == [0, 10, 20, 30, 40]


def test_a_long_batch_lets_others_in_between(helpers):
    """Pictures of a batch take their turns one by one: a single frame need not wait for the last of forty."""
    slow = helpers.Predictor(helpers.card(), seconds=0.03)
    files = [("files", (f"{i}.png", helpers.picture(i))) for i in range(40)]
    with helpers.client(helpers.Models(slow), line=Line(workers=1)) as client, ThreadPoolExecutor(1) as threads:
        client.get("/health")
        batch = threads.submit(client.post, "/api/predict", files=files, timeout=30)
        while slow.runs < 3:
            time.sleep(0.005)
        with httpx.Client(base_url=client.base_url) as other:
            assert other.post("/api/live", content=helpers.picture(255), headers=HEADERS).status_code == 200
        assert slow.runs < 30
        assert len(batch.result(20).json()["predictions"]) == 40


def test_a_place_is_free_again_after_an_error():
    line = Line(workers=1, most=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), line.place():
            raise RuntimeError
    assert line.inside == 0
    assert limits.MAX_WAITING_REQUESTS > 16  # sixteen clients at once are a class in a teaching room
