"""Answers by the mean over several views of a picture: of logits, and of heat maps turned back.

The mean of logits is a network of its own, and the gradient of a mean is the mean of the gradients: each view has a map
of its own, without what speaks against the class, and the map of the answer is their mean. Pooled features stay those
of the picture as it is, which gates and heads beside the network were fitted on.
"""

from collections.abc import Callable, Sequence

import numpy as np

from core.nn.runtime import Engine, Output
from core.registry.views import View


def mean_logits(logits: Callable[[np.ndarray], np.ndarray], pictures: np.ndarray, views: Sequence[View]) -> np.ndarray:
    """The mean (n, C) of the logits of pictures (n, S, S, 3) over `views`."""
    return np.asarray(np.mean([logits(seen(view, pictures)) for view in views], axis=0))


def mean_maps(maps: Callable[[np.ndarray], np.ndarray], picture: np.ndarray, views: Sequence[View]) -> np.ndarray:
    """The mean (C, h, w) of the maps of a picture (S, S, 3) over `views`, each map turned back."""
    return np.asarray(np.mean([view.back(maps(seen(view, picture[None])[0])) for view in views], axis=0))


def run_views(
    engine: Engine, views: Sequence[View], pixels: np.ndarray, likely: Callable[[np.ndarray], np.ndarray],
    *, maps: bool = False, table: np.ndarray | None = None,
) -> Output:  # fmt: skip
    """As `Engine.run`, by the mean over `views`, the first of which is the picture as it is.

    Args:
        likely: logits (n, C) -> probabilities (n, C).
    """
    if len(views) == 1:
        return engine.run(pixels, maps=maps, table=table)
    outputs = [engine.run(seen(view, pixels), maps=maps, table=table) for view in views]
    logits = np.mean([output.logits for output in outputs], axis=0)
    turned = [_back(view, output.cams) for view, output in zip(views, outputs, strict=True) if output.cams is not None]
    return Output(
        logits=logits, probabilities=likely(logits), cams=np.mean(turned, axis=0) if turned else None,
        features=outputs[0].features,
    )  # fmt: skip


def seen(view: View, pictures: np.ndarray) -> np.ndarray:
    """Pictures (n, S, S, 3) as `view` shows them, in memory of their own."""
    return np.ascontiguousarray(view.of(pictures))


def _back(view: View, maps: np.ndarray) -> np.ndarray:
    """Maps (n, C, h, w) turned back."""
    turned = view.back(maps.reshape(-1, *maps.shape[2:]))
    return turned.reshape(*maps.shape[:2], *turned.shape[1:])
