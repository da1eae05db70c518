"""One warm prediction with Grad-CAM of all classes, against the bare compiled Keras forward of the same graph."""

from statistics import median

import numpy as np
from bare import bare_forward
from generated import SIZE_PX, write_model
from report import Goal, Row
from settings import Settings
from timing import described, interleaved, ratios, timed

MAPS_GOAL = Goal("at most", 0.6)
PICTURE_PX = 1024  # about the size of a radiograph in the public sets: bringing it to 224 px is part of a prediction
BINARY = ("Normal", "Pneumonia")
FOURTEEN = tuple(f"Finding {number}" for number in range(1, 15))  # as many as the NIH set names


def measure(settings: Settings) -> list[Row]:
    """Times of decoded pictures through a warm `Predictor`, and of the same graph by other ways, for information."""
    from core.data.images import fit_image
    from core.data.phantom import draw_phantom
    from core.nn.runtime import COMPILED, ONNX
    from core.nn.serving import Predictor

    model = write_model(settings.folder, "binary", BINARY, "binary")
    write_model(settings.folder, "fourteen", FOURTEEN, "multilabel")
    predictor, many = (Predictor.load(name, settings.folder) for name in ("binary", "fourteen"))
    compiled = Predictor.load("binary", settings.folder, engine=COMPILED)
    rgb = draw_phantom(0, 0, 0, PICTURE_PX).pixels
    fitted = fit_image(rgb, predictor.card.preprocess)
    bare = bare_forward(model, fitted)
    if predictor.engine != ONNX:
        raise ValueError(f"the Predictor runs on {predictor.engine}, expected {ONNX}")
    if not np.allclose(bare()[0], predictor.predict(fitted, False).probabilities, atol=1e-5):
        raise ValueError("the bare forward answers differently from the Predictor: the two are not the same work")
    if len(predictor.predict(fitted).heatmaps) != len(BINARY):
        raise ValueError("the Predictor gave no heat map for some class")
    quick = interleaved(
        {
            "bare": timed(bare),
            "maps": timed(lambda: predictor.predict(fitted)),
            "plain": timed(lambda: predictor.predict(fitted, False)),
            "large": timed(lambda: predictor.predict(rgb)),
            "many": timed(lambda: many.predict(fitted)),
        },
        settings.rounds(200, 30), warm_ups=10, seconds=30,
    )  # fmt: skip
    array = fitted[None].astype("float32")
    slow = interleaved(
        {
            "bare": timed(bare),
            "compiled": timed(lambda: compiled.predict(fitted)),
            "eager": timed(lambda: np.asarray(model(array, training=False))),
            "predict": timed(lambda: model.predict(array, verbose=0)),
            "reference": timed(lambda: predictor.predict(fitted, method="gradcam_reference")),
        },
        settings.rounds(7, 3), seconds=30,
    )  # fmt: skip
    times = {**slow, **quick}
    per_bare = {name: ratios(times[name], slow["bare"]) for name in slow if name != "bare"}
    per_bare |= {name: ratios(times[name], quick["bare"]) for name in quick}

    def row(what: str, name: str, how: str, goal: Goal | None = None) -> Row:
        said = f"{1000 * median(times[name]):.1f} ms; {how}" if how else f"{1000 * median(times[name]):.1f} ms"
        return Row(what, median(per_bare[name]), "×", f"{said}; {described(per_bare[name])}", goal)

    fastest = f"fastest against fastest {min(quick['maps']) / min(quick['bare']):.2f}"
    return [
        row("One prediction with Grad-CAM of all classes, of the bare compiled forward alone", "maps",
            f"decoded {SIZE_PX} px picture, 2 classes, ONNX Runtime; {fastest}", MAPS_GOAL),
        row("the same, without the maps", "plain", ""),
        row("the same, of a larger picture", "large", f"{PICTURE_PX} px, resized to {SIZE_PX} px"),
        row("the same, 14 classes", "many", "one forward, 14 maps"),
        row("the same by compiled Keras", "compiled", "the engine of networks that could not be exported"),
        row("the same by tf-keras-vis", "reference", "a map at a time"),
        row("Keras eager, model(x)", "eager", "no maps"),
        row("Keras model.predict, one image", "predict", "no maps"),
        Row("Bare compiled forward, one image", 1000 * median(quick["bare"]), "ms", "the 1.00 × of the rows above"),
    ]  # fmt: skip
