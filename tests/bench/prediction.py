"""One prediction, without and with Grad-CAM of all classes, against the bare compiled forward of the same graph."""

from statistics import median

import numpy as np
from generated import SIZE_PX, make_predictor
from report import Goal, Row
from settings import Settings
from timing import described, interleaved, ratios, timed

PLAIN_GOAL, MAPS_GOAL = Goal("at most", 1.3), Goal("at most", 2.0)
PICTURE_PX = 1024  # about the size of a radiograph in the public sets: bringing it to 224 px is part of a prediction
BINARY = ("Normal", "Pneumonia")
FOURTEEN = tuple(f"Finding {number}" for number in range(1, 15))  # as many as the NIH set names


def _bare_forward(model, fitted: np.ndarray):
    """The whole graph as one compiled function of one image, its answer as a NumPy array."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, SIZE_PX, SIZE_PX, 3), tf.uint8)])
    def forward(pixels):
        return model(tf.cast(pixels, tf.float32), training=False)

    batch = fitted[None]
    return lambda: forward(batch).numpy()


def measure(settings: Settings) -> list[Row]:
    """Times of a decoded picture through a warm `Predictor`, and of the same graph by other ways, for information."""
    from core.data.images import fit_image
    from core.data.phantom import draw_phantom
    from core.nn import explain

    model, predictor = make_predictor(BINARY, "binary")
    _, many = make_predictor(FOURTEEN, "multilabel")
    rgb = draw_phantom(0, 0, 0, PICTURE_PX).pixels
    fitted = fit_image(rgb, predictor.card.preprocess)
    bare = _bare_forward(model, fitted)
    if not np.allclose(bare()[0], predictor.predict(rgb, False).probabilities, atol=1e-5):
        raise ValueError("the bare forward answers differently from the Predictor: the two are not the same work")
    if len(predictor.predict(rgb).heatmaps) != len(BINARY):
        raise ValueError("the Predictor gave no heat map for some class")
    quick = interleaved(
        {
            "bare": timed(bare),
            "plain": timed(lambda: predictor.predict(rgb, False)),
            "small": timed(lambda: predictor.predict(fitted, False)),
            "maps": timed(lambda: predictor.predict(rgb)),
            "many": timed(lambda: many.predict(rgb)),
        },
        settings.rounds(100, 20), warm_ups=5, seconds=20,
    )  # fmt: skip
    array = fitted[None].astype("float32")
    slow = interleaved(
        {
            "bare": timed(bare),
            "eager": timed(lambda: np.asarray(model(array, training=False))),
            "predict": timed(lambda: model.predict(array, verbose=0)),
            "reference": timed(lambda: predictor.predict(rgb, method=explain.REFERENCE)),
        },
        settings.rounds(5, 3), seconds=20,
    )  # fmt: skip
    per_bare = {name: ratios(times, quick["bare"]) for name, times in quick.items()}
    per_bare |= {name: ratios(times, slow["bare"]) for name, times in slow.items() if name != "bare"}

    def fastest(name: str) -> str:
        return f"fastest against fastest {min(quick[name]) / min(quick['bare']):.2f}"

    def row(what: str, name: str, how: str, goal: Goal | None = None) -> Row:
        return Row(what, median(per_bare[name]), "×", f"{how}; {described(per_bare[name])}", goal)

    return [
        row(
            "One prediction, of the bare compiled forward", "plain",
            f"{PICTURE_PX} px picture, {1000 * median(quick['plain']):.1f} ms; {fastest('plain')}", PLAIN_GOAL,
        ),
        row("the same, of a picture that fits already", "small", f"{SIZE_PX} px, nothing to resize"),
        row(
            "Prediction with Grad-CAM of both classes", "maps",
            f"compiled maps, {1000 * median(quick['maps']):.1f} ms; {fastest('maps')}", MAPS_GOAL,
        ),
        row("Prediction with Grad-CAM of 14 classes", "many", f"compiled maps, {1000 * median(quick['many']):.1f} ms"),
        row(
            "Prediction with the maps of tf-keras-vis, both classes", "reference",
            f"{1000 * median(slow['reference']):.0f} ms",
        ),
        row("Keras eager, model(x)", "eager", f"{1000 * median(slow['eager']):.0f} ms"),
        row("Keras model.predict, one image", "predict", f"{1000 * median(slow['predict']):.0f} ms"),
        Row("Bare compiled forward, one image", 1000 * median(quick["bare"]), "ms", "the 1.00 × of the rows above"),
    ]  # fmt: skip
