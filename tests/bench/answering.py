"""One prediction with Grad-CAM of all classes from JPEG bytes through the HTTP API, against the bare forward."""

import json
from contextlib import closing
from statistics import median

from bare import bare_forward
from client import JPEG, Client
from generated import SIZE_PX, phantom_jpegs, write_model
from prediction import BINARY, PICTURE_PX
from processes import api_process
from report import Goal, Row
from settings import MeasurementFailed, Settings
from timing import described, interleaved, ratios, timed

GOAL = Goal("at most", 1.0)
MODEL = "binary"


def check_answer(answer: bytes) -> None:
    """Raises MeasurementFailed when it does not hold a map of every class."""
    (found,) = json.loads(answer)["predictions"]
    if set(found["maps"]) != set(BINARY):
        raise MeasurementFailed(f"the answer holds maps of {', '.join(found['maps'])}; expected {', '.join(BINARY)}")


def measure(settings: Settings) -> list[Row]:
    """The server is a process of its own; client and bare forward take turns in this one."""
    from core.data.images import decode_image, fit_image
    from core.types import PreprocessSpec

    model = write_model(settings.folder / "models", MODEL, BINARY, "binary")
    small, large = (phantom_jpegs(1, size)[0] for size in (SIZE_PX, PICTURE_PX))
    bare = bare_forward(model, fit_image(decode_image(small), PreprocessSpec(size_px=SIZE_PX)))
    environment = {"MEDLENS_MODELS": str(settings.folder / "models")}
    with api_process(environment) as server, closing(Client(server.port)) as client:
        check_answer(client.predict(small, MODEL))
        times = interleaved(
            {
                "bare": timed(bare),
                "maps": timed(lambda: client.predict(small, MODEL)),
                "live": timed(lambda: client.post(f"/api/live?model={MODEL}", small, JPEG)),
                "plain": timed(lambda: client.predict(small, MODEL, explain="none")),
                "large": timed(lambda: client.predict(large, MODEL)),
                "overlay": timed(lambda: client.predict(small, MODEL, explain="gradcam")),
                "health": timed(lambda: client.get("/health")),
            },
            settings.rounds(150, 30), warm_ups=10, seconds=40,
        )  # fmt: skip
        if client.get("/health")["tensorflow_loaded"]:
            raise MeasurementFailed("the server has loaded TensorFlow: it does not answer by ONNX Runtime")

    def row(what: str, name: str, how: str, goal: Goal | None = None) -> Row:
        shares = ratios(times[name], times["bare"])
        return Row(what, median(shares), "×", f"{1000 * median(times[name]):.1f} ms; {how}; {described(shares)}", goal)

    fastest = f"fastest against fastest {min(times['maps']) / min(times['bare']):.2f}"
    return [
        row("The same from JPEG bytes through the API, of the bare compiled forward alone", "maps",
            f"POST /api/predict, explain=maps, {SIZE_PX} px; {fastest}", GOAL),
        row("A camera frame through the API", "live", "POST /api/live, map of one class", GOAL),
        row("POST /api/predict without maps", "plain", "explain=none"),
        row("POST /api/predict of a larger picture", "large", f"{PICTURE_PX} px JPEG of {len(large) // 1000} kB, maps"),
        row("POST /api/predict with maps and the overlay as PNG", "overlay", "explain=gradcam"),
        Row("An empty question, GET /health", 1000 * median(times["health"]), "ms", "what HTTP itself costs"),
    ]  # fmt: skip
