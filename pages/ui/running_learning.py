"""Would more images help? The runs of one recipe on shares of its training part, and the curve through them."""

from collections.abc import Sequence

import streamlit as st

from core.errors import UndefinedMetric
from core.evaluation.learning import CurvePoint, curve_points, learning_curve
from core.figures.learning import gain_sentence, learning_figure
from core.language import t
from core.types import RunRecord
from pages.ui.blocks import chart, plain, prose


def points_of(record: RunRecord, records: Sequence[RunRecord]) -> list[CurvePoint]:
    """The points of the run's learning curve; empty where its recipe stands on all training images only."""
    return curve_points(record, records)


def show_learning(points: Sequence[CurvePoint]) -> None:
    """The sentence on twice the images, the curve, and what it rests on."""
    try:
        curve = learning_curve(points)
    except UndefinedMetric as error:
        st.info(plain(str(error)), icon=":material/show_chart:")
        return
    most = points[-1].n_images
    sentence = gain_sentence(curve.metric, curve.gain, most)
    prose(f"**{plain(sentence)}**")
    chart(
        learning_figure(
            [p.n_images for p in points], [p.estimate for p in points], curve.n_images, curve.values, curve.low,
            curve.high,
        ),
        alt=sentence,
    )  # fmt: skip
    st.caption(
        t(
            "Error falls as an inverse power of the number of images, fitted to the points; the band comes from fits "
            "to values drawn from their intervals. Beyond the last point it is a guess that only more images can "
            "check: other patients of the same source, with the same labels."
        )
    )
