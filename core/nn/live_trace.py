"""A picture's way through a shipped network, made now: what `trace.py` stores of one phantom, for any picture.

The graph of `model.onnx` is opened once more with its stages as outputs, added in memory; the file stays as it is.
ONNX Runtime runs it on one core; no TensorFlow. Two networks are kept open, as a class looks at one or compares two.
"""

import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np

from core.data.images import fit_image
from core.errors import ExplanationFailed
from core.language import said
from core.nn import runtime
from core.nn.pool import shared_predictor
from core.nn.serving import Predictor, calibrated
from core.nn.stages import StagePlan, chosen_plans, constants_of, first_filters, head_of, merged, stage_plans
from core.store.models import CARD, GRAPH, load_card, model_folder, verified_bytes
from core.store.traces import Trace, TraceStage
from core.types import ModelCard

MOST_OPEN = 2  # networks; a MobileNetV2 with its stages takes about 50 MB
MOST_STAGES = 8  # more are too many for one slider
MOST_MAPS = 48  # of a stage: four rows of twelve
FEW_NUMBERS = 250_000  # a stage of small maps is shown whole, as far as ALL_MAPS goes
ALL_MAPS = 96
SAME = 1e-3  # the sum done by hand in float64 against the network's in float32, as a share of the largest score

_lock = threading.Lock()
_open: OrderedDict[tuple[str, str], tuple[object, "Tracer"]] = OrderedDict()


class Tracer:
    """One network opened with its stages as outputs. Safe for several threads."""

    def __init__(self, card: ModelCard, content: bytes) -> None:
        """Open the graph of `model.onnx`. Raises ExplanationFailed when it is not one that a lesson can follow."""
        import onnx

        self.card = card
        graph = onnx.load_from_string(content)
        nodes, constants = list(graph.graph.node), constants_of(graph)
        plans, head = stage_plans(nodes, constants), head_of(nodes, constants)
        if not plans or head is None:
            raise ExplanationFailed(
                said(
                    "{name}: its graph does not end in one weighted sum behind convolutions, so there is no such way "
                    "to follow. Choose another model.",
                    name=card.name,
                )
            )
        self._filters = {colour: first_filters(nodes, constants, colour=colour) for colour in (False, True)}
        self._head = head
        wanted = [*(plan.value for plan in plans), head.vector]
        graph.graph.output.extend(
            onnx.helper.make_empty_tensor_value_info(name)
            for name in dict.fromkeys(wanted)
            if name not in {output.name for output in graph.graph.output}
        )
        self._session = runtime.session(graph.SerializeToString(), 1)
        self._plans = self._chosen(plans)

    def _chosen(self, plans: list[StagePlan]) -> list[StagePlan]:
        """The stages to show; the sizes of their grids come from one pass over a black square."""
        side = self.card.preprocess.size_px
        black = {runtime.PIXELS: np.zeros((1, side, side, 3), np.float32)}
        grids = self._session.run([plan.value for plan in plans], black)
        usable = [number for number, grid in enumerate(grids) if grid.ndim == 4]
        sides = [grids[number].shape[2] for number in usable]
        chosen = chosen_plans([plans[number] for number in usable], sides, MOST_STAGES)
        return merged(plans, [usable[number] for number in chosen])

    def trace(self, prepared: np.ndarray) -> Trace:
        """The way of one prepared picture, uint8 (S, S, 3).

        Raises: ExplanationFailed where the sum of the head, done by hand, is not what the network gives.
        """
        card, head = self.card, self._head
        wanted = [*(plan.value for plan in self._plans), head.vector, "activations", "logits"]
        pixels = {runtime.PIXELS: prepared[None].astype(np.float32)}
        *grids, vector, activations, logits = self._session.run(wanted, pixels)
        pooled = vector.reshape(-1)
        by_hand = pooled.astype(np.float64) @ head.weights.astype(np.float64) + head.bias
        if float(np.abs(by_hand - logits[0]).max()) > SAME * max(1.0, float(np.abs(logits).max())):
            raise ExplanationFailed(
                said(
                    "{name}: its scores are not the sum of its last numbers, so the lesson would not add up. Choose "
                    "another model.",
                    name=card.name,
                )
            )
        grey = bool((prepared == prepared[..., :1]).all())
        filters = self._filters[not grey]
        return Trace(
            model=card.name, graph_sha256=card.other_sha256[GRAPH], phantom="", class_names=card.class_names,
            shown_class=card.positive_class or card.class_names[int(np.argmax(logits[0]))], pooling=head.pooling,
            temperature=card.temperature, pixels=prepared[..., 0].copy() if grey else prepared.copy(),
            filters=np.zeros((0, 1, 1), np.float16) if filters is None else filters,
            stages=tuple(_stage(plan, grid[0]) for plan, grid in zip(self._plans, grids, strict=True)),
            activations=activations[0], pooled=pooled, weights=head.weights, bias=head.bias, logits=logits[0],
            probabilities=calibrated(logits, card.temperature, card.task)[0], boxes=(),
        )  # fmt: skip


def _stage(plan: StagePlan, grid: np.ndarray) -> TraceStage:
    """A stage from its grid (c, h, w): of many channels those that answer most strongly somewhere, in their order."""
    channels = len(grid)
    whole = channels <= MOST_MAPS or (channels <= ALL_MAPS and grid.size <= FEW_NUMBERS)
    tops = grid.max(axis=(1, 2))
    kept = np.arange(channels) if whole else np.sort(np.argsort(-tops, kind="stable")[:MOST_MAPS])
    values = np.maximum(grid[kept].transpose(1, 2, 0), 0.0)  # a smooth activation goes a little below 0
    largest = np.maximum(tops[kept], 0.0).astype(np.float32)
    maps = np.rint(values / np.where(largest > 0, largest, 1.0) * 255).astype(np.uint8)
    return TraceStage(
        kind=plan.kind, maps=maps, largest=largest, kernel=plan.kernel, stride=plan.stride, field_px=plan.field_px,
        convolutions=plan.convolutions, channels=0 if whole else channels,
    )  # fmt: skip


def live_trace(name: str, rgb: np.ndarray, folder: Path | None = None) -> tuple[Trace, bool]:
    """The way of a decoded picture (H, W, 3) uint8 through the model `name`, and whether its gate flags the picture.

    Raises: ModelError when the model cannot be read; ExplanationFailed when it has no ONNX graph, takes numbers beside
        the picture, or is no network that a lesson can follow.
    """
    tracer = shared_tracer(name, folder)
    predictor: Predictor = shared_predictor(name, folder)
    prepared = fit_image(rgb, tracer.card.preprocess)
    judged = predictor.ood(prepared[None], predictor.run(prepared[None])) or []
    return tracer.trace(prepared), any(answer.flagged for answer in judged)


def shared_tracer(name: str, folder: Path | None = None) -> Tracer:
    """The open tracer of a model, opened at the first call and again when its card has changed on disk."""
    where = model_folder(name, folder)
    card = load_card(name, folder)
    if GRAPH not in card.other_sha256 or card.tabular_inputs:
        raise ExplanationFailed(
            said(
                "{name} runs in Keras alone: it has no ONNX graph of the picture whose stages could be read, so this "
                "lesson cannot follow it. Choose a model that runs on ONNX Runtime.",
                name=name,
            )
        )
    status = (where / CARD).stat()
    key, stamp = (name, str(where)), (status.st_size, status.st_mtime_ns, card.sha256)
    with _lock:  # one at a time: opening takes a fraction of a second, and a second copy would cost memory
        known = _open.get(key)
        if known is None or known[0] != stamp:
            known = _open[key] = (stamp, Tracer(card, verified_bytes(card, GRAPH, folder)))
        _open.move_to_end(key)
        while len(_open) > MOST_OPEN:
            _open.popitem(last=False)
        return known[1]


def open_tracers() -> tuple[str, ...]:
    """Names of the networks that are open with their stages, the most recently used one last."""
    with _lock:
        return tuple(name for name, _folder in _open)
