"""The card of a network from outside: what was found, what was typed in, and what nobody knows about it.

Its sentences are stored in English; their forms stand in `stored.po`, so that a page tells them in its own language.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import StoreError
from core.language import english, said
from core.nn.foreign_answers import ForeignAnswers, positive_of, settled_output
from core.nn.inspect import InspectedModel
from core.store.codec import SCHEMA_VERSION
from core.store.models import MODEL
from core.types import ModelCard, PreprocessSpec, Threshold

UNKNOWN = "not stated"
NO_CUT = "not chosen"  # the rule of a threshold that nobody chose


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a network gave for four fixed pictures: two of noise, black and white.

    lowest, highest: of the numbers that come out; difference: between Keras and the flat network, of a probability.
    """

    lowest: float
    highest: float
    task: str
    cam_layer: str
    cam_grid: tuple[int, ...]
    difference: float
    same_for_all: bool
    empty_maps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignReport:
    """A foreign network as it was read and tried."""

    found: InspectedModel
    probe: Probe


def foreign_card(
    answers: ForeignAnswers, tried: ForeignReport, built: dict[str, Any], files: dict[str, bytes | Path]
) -> ModelCard:
    """The card of a network from outside.

    Args:
        built: what the child process said of the files it wrote (engine, golden images, parity).
        files: of the model folder, by name.
    Raises: StoreError when the network's file is not in memory.
    """
    found, probe = tried.found, tried.probe
    content = files[MODEL]
    if not isinstance(content, bytes):
        raise StoreError(said("{name}: the network was not read into memory.", name=answers.name))
    positive = positive_of(answers, probe.task)
    cut = 0.5
    cuts = {positive: cut} if positive is not None else dict.fromkeys(answers.class_names, cut)
    kind = settled_output(found, answers.output or ("sigmoid" if found.outputs == 1 else ""))
    stated = found.output_kind if found.output_kind != "linear" else english(said("logits, read by {kind}", kind=kind))
    return ModelCard(
        schema_version=SCHEMA_VERSION,
        name=answers.name,
        title=answers.title or english(said("{name} (brought along)", name=answers.name)),
        run_id="",
        architecture=found.architecture or found.name,
        head="its own",
        task=probe.task,  # type: ignore[arg-type]
        class_names=answers.class_names,
        positive_class=positive,
        preprocess=PreprocessSpec(size_px=found.size_px),
        cam_layer=probe.cam_layer,
        threshold=Threshold(values=cuts, rule=NO_CUT, chosen_on="none"),
        temperature=1.0,
        training_data=UNKNOWN,
        training_dataset="",
        n_train_images=0,
        n_train_groups=0,
        synthetic=False,
        estimates=(),
        intended_use=english(
            said("Teaching and research: to look at how a network decides that somebody brought along.")
        ),
        limits=_limits(answers, tried),
        licence=UNKNOWN,
        sha256=hashlib.sha256(content).hexdigest(),
        model_bytes=len(content),
        golden_seeds=tuple(built["seeds"]),
        golden_outputs=tuple(tuple(row) for row in built["golden"]),
        feature_mean=(),
        feature_scale=(),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        engine=built["engine"],
        engine_reason=built["reason"],
        engine_parity=built["parity"],
        other_sha256={name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != MODEL},  # type: ignore[arg-type]
        source_file=found.sha256,
        output_kind=stated,
        tabular_inputs=answers.table,
    )


def _limits(answers: ForeignAnswers, tried: ForeignReport) -> tuple[str, ...]:
    """What nobody knows about this network, one sentence each."""
    found, probe = tried.found, tried.probe
    lines = [
        said("Not a medical device and not a diagnosis: no decision about a person may rest on it."),
        said(
            "Brought along by its user: how good it is has not been measured here, and its training data are not "
            "stated."
        ),
        said(
            "Knows only these answers: {names}; any other picture gets one of them too. Their names and order were "
            "typed in, and nothing in the file confirms them.",
            names=", ".join(answers.class_names),
        ),
    ]
    if not answers.pixel_scaling and not found.pixel_sure:
        lines.append(
            said(
                "Its pixel range was guessed: {reason}. With another one its answers would be others.",
                reason=found.pixel_reason,
            )
        )
    if found.choices:
        lines.append(said("Its output {name} answers here; what else it gives is left out.", name=found.output_name))
    if probe.same_for_all:
        lines.append(said("It gave the same answer for noise, black and white: it may not look at the picture at all."))
    if probe.empty_maps:
        lines.append(
            said(
                "Its heat maps were empty for every picture that it was tried on (layer {layer}).",
                layer=probe.cam_layer,
            )
        )
    if probe.cam_layer == "picture":
        lines.append(said("It has no layer with cells of its own: its heat maps are made on the pixels."))
    return tuple(map(english, lines))
