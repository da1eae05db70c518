"""The ways to ask a network where it looked: one entry each, with what it needs and who proposed it.

`core/nn/explain_methods.py` computes them; pages, API and command line offer what stands here, in this order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.registry.lookup import by_key, get

GRADCAM, OCCLUSION = "gradcam", "occlusion"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationSpec:
    """One method.

    title: the name that stands beside its maps (`Heatmap.method`).
    about: one sentence on what a map of it shows.
    needs_gradient: False for methods that only predict changed pictures; they explain any classifier.
    needs_tensorflow: True where only the Keras network can do it; the others run on the engine that predicts.
    on_layer: made of the cells of a layer, which can be chosen; the others work on the picture itself.
    source: who proposed it, with a DOI.
    """

    key: str
    title: str
    about: str
    needs_gradient: bool
    needs_tensorflow: bool
    on_layer: bool
    source: str


EXPLANATIONS: Mapping[str, ExplanationSpec] = by_key(
    ExplanationSpec(
        key=GRADCAM, title="Grad-CAM", needs_gradient=True, needs_tensorflow=False, on_layer=True,
        about="The channels of a layer, each weighed by how much it raises the score on average over the picture.",
        source="Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74",
    ),
    ExplanationSpec(
        key="gradcam_plus_plus", title="Grad-CAM++", needs_gradient=True, needs_tensorflow=False, on_layer=True,
        about="As Grad-CAM, but only what raises the score counts, weighed cell by cell: several findings of one kind "
        "share the heat more evenly.",
        source="Chattopadhay et al. 2018, doi:10.1109/WACV.2018.00097",
    ),
    ExplanationSpec(
        key="layercam", title="Layer-CAM", needs_gradient=True, needs_tensorflow=False, on_layer=True,
        about="Every cell of every channel with a weight of its own, so that finer layers can be asked too.",
        source="Jiang et al. 2021, doi:10.1109/TIP.2021.3089943",
    ),
    ExplanationSpec(
        key="scorecam", title="Score-CAM", needs_gradient=False, needs_tensorflow=False, on_layer=True,
        about="Each channel of a layer lets through a part of the picture; it weighs as much as the network still "
        "says the answer on that part alone.",
        source="Wang et al. 2020, doi:10.1109/CVPRW50498.2020.00020",
    ),
    ExplanationSpec(
        key=OCCLUSION, title="Occlusion", needs_gradient=False, needs_tensorflow=False, on_layer=False,
        about="A patch of the picture's mean colour hides one place after another; heat is by how much the "
        "probability falls.",
        source="Zeiler & Fergus 2014, doi:10.1007/978-3-319-10590-1_53",
    ),
    ExplanationSpec(
        key="saliency", title="Saliency", needs_gradient=True, needs_tensorflow=True, on_layer=False,
        about="How strongly the score reacts to the smallest change of each pixel; fine, and noisy.",
        source="Simonyan, Vedaldi & Zisserman 2014, doi:10.48550/arXiv.1312.6034",
    ),
    ExplanationSpec(
        key="smoothgrad", title="SmoothGrad", needs_gradient=True, needs_tensorflow=True, on_layer=False,
        about="Saliency, averaged over copies of the picture with noise on them, so that the noise of the map fades.",
        source="Smilkov et al. 2017, doi:10.48550/arXiv.1706.03825",
    ),
    ExplanationSpec(
        key="gradcam_reference", title="Grad-CAM (tf-keras-vis)", needs_gradient=True, needs_tensorflow=True,
        on_layer=True,
        about="Grad-CAM by the library that the built-in one is tested against; both maps must be the same.",
        source="Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74; tf-keras-vis",
    ),
)  # fmt: skip
# what an answer may wait for: nothing here loads TensorFlow
QUICK: tuple[str, ...] = tuple(key for key, spec in EXPLANATIONS.items() if not spec.needs_tensorflow)


def explanation(key: str) -> ExplanationSpec:
    """The method `key`. Raises UnknownKey."""
    return get(EXPLANATIONS, key, "explanation", "core/registry/explanations.py")
