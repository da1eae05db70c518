"""The process in which a foreign network is tried: `python -m core.nn.foreign_child FOLDER`.

FOLDER holds job.json; the process writes stage.txt as it goes and result.json, and with "build" the files of the
model. It limits its own memory before it reads anything, looks at the file without Keras first, and gives Keras
nothing but the copy that `inspect.clean_file` wrote. Whoever starts it limits its time.
"""

import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core import limits
from core.errors import MedLensError, ModelRefused
from core.language import english, message_of, said, wired
from core.nn.foreign_answers import ForeignAnswers, check_answers, settled_output, settled_pixels
from core.nn.inspect import InspectedModel, clean_file
from core.nn.tabular import middle, middle_table
from core.store.codec import encode, from_json

JOB, STAGE, RESULT = "job.json", "stage.txt", "result.json"
SAME = 1e-4  # as golden outputs; float32 in another order of layers differs by 1e-6


def main(folder: Path) -> None:
    """Do the job of `folder`; the result, or the refusal, stands in result.json."""
    _limit()
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    try:
        _work(folder, job)
    except MemoryError:
        _write(folder, {"refused": wired(memory_words())})
    except MedLensError as error:
        _write(folder, {"refused": wired(message_of(error))})


def memory_words() -> str:
    """That a network needs too much memory."""
    return said(
        "The network needs more than {most:.0f} GB of memory; it was stopped.", most=limits.MODEL_CHILD_BYTES / 1024**3
    )


def _limit() -> None:
    """This process gets no more memory, no core dumps and no large files."""
    try:
        import resource
    except ImportError:  # not on this system; the time is limited all the same
        return
    for kind, limit in (
        (resource.RLIMIT_AS, limits.MODEL_CHILD_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 2 * limits.MAX_MODEL_BYTES),
    ):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _write(folder: Path, document: dict[str, Any]) -> None:
    (folder / "result.part").write_text(json.dumps(document), encoding="utf-8")
    (folder / "result.part").replace(folder / RESULT)


def _stage(folder: Path, name: str) -> None:
    with (folder / STAGE).open("a", encoding="utf-8") as log:
        log.write(f"{name}\n")


def _work(folder: Path, job: dict[str, Any]) -> None:
    answers = from_json(ForeignAnswers, json.dumps(job["answers"]))
    _stage(folder, "inspect")
    found, copy = clean_file(Path(job["file"]), folder, size_px=answers.size_px, take=answers.take)
    if job["build"]:
        check_answers(found, answers)
    _stage(folder, "load")
    network, _, probe = try_network(folder, copy, found, answers)
    document: dict[str, Any] = {"found": asdict(found), "probe": probe}
    if job["build"]:
        _build(folder, document, network, answers)
    _write(folder, document)


def try_network(  # type: ignore[no-untyped-def]
    folder: Path, copy: Path, found: InspectedModel, answers: ForeignAnswers
):
    """(the flat network, its engine, what it gave for the probe images). Raises ModelRefused."""
    import numpy as np

    from core.nn.backend import keras
    from core.nn.foreign_network import flat_network, probe_images
    from core.nn.gradcam import compiled_engine

    try:
        with warnings.catch_warnings():
            # where weights are missing in a nested network, Keras only warns, and would answer with zeros
            warnings.filterwarnings("error", message="Skipping nested container")
            original = keras.models.load_model(copy, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError, AttributeError, IndexError, RuntimeError, UserWarning) as error:
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise ModelRefused(
            said("Keras {version} cannot load the network: {reason}", version=keras.__version__, reason=lines[0][:240])
        ) from error
    if original.count_params() > found.stored_numbers:
        raise ModelRefused(
            said(
                "The network has {parameters:,} parameters, and the file holds {numbers:,} numbers: "
                "a part of its weights is missing.",
                parameters=original.count_params(),
                numbers=found.stored_numbers,
            )
        )
    output = settled_output(found, answers.output or ("sigmoid" if found.outputs == 1 else ""))
    network = flat_network(
        original, found, pixel_scaling=settled_pixels(found, answers), output=output, cam_layer=answers.cam_layer
    )
    _stage(folder, "predict")
    images = probe_images(found.size_px)
    values = middle(answers.table) if answers.table else (0.0,) * found.table_columns
    table = np.tile(np.asarray(values, np.float32), (len(images), 1))
    raw = _raw(original, network.front, found, images, table)
    if not np.isfinite(raw).all():
        raise ModelRefused(said("The network gives NaN or infinity for a plain picture; its training went wrong."))
    if not np.allclose(raw, _raw(original, network.front, found, images, table), atol=SAME):
        raise ModelRefused(
            said("The network gives another answer for the same picture each time; it cannot be relied upon.")
        )
    wanted = _as_probabilities(raw, found.output_kind, output)
    engine = compiled_engine(network.model, network.cam_layer)
    answer = engine.run(images, maps=True, table=table)
    difference = float(np.abs(answer.probabilities - wanted).max())
    if not difference <= SAME:
        raise ModelRefused(
            said(
                "Laid out flat, the network answers differently by {difference:.2g}; it is left alone.",
                difference=difference,
            )
        )
    return (
        network,
        engine,
        {
            "lowest": float(raw.min()),
            "highest": float(raw.max()),
            "task": network.task,
            "cam_layer": network.cam_layer,
            "cam_grid": list(engine.grid),
            "difference": difference,
            "same_for_all": bool(np.ptp(wanted, axis=0).max() < 1e-6),
            "empty_maps": not bool((answer.cams.reshape(len(images), wanted.shape[1], -1).max(axis=2) > 0).any()),
        },
    )


def _raw(original, front, found: InspectedModel, images, table):  # type: ignore[no-untyped-def]
    """What the network itself gives (n, units) for pictures scaled as it was trained."""
    import numpy as np

    from core.nn.backend import keras

    given, column = [], 0
    for item in found.inputs:
        if item.role == "image":
            given.append(front(images.astype("float32"), training=False))
        else:
            given.append(keras.ops.convert_to_tensor(table[:, column : column + item.shape[0]]))
            column += item.shape[0]
    named = getattr(original, "_inputs_struct", None)
    if isinstance(named, dict):
        given = dict(zip(sorted(named), given, strict=True))  # type: ignore[assignment]
    outputs = keras.tree.flatten(original(given if len(given) > 1 else given[0], training=False))
    return np.asarray(outputs[found.output_index])


def _as_probabilities(raw, kind: str, output: str):  # type: ignore[no-untyped-def]
    """(n, C) probabilities of what a network gave. Raises ModelRefused when they are none."""
    import numpy as np

    raw = raw.astype(np.float64)
    if kind == "linear" and output == "sigmoid":
        raw = 1 / (1 + np.exp(-raw))
    elif kind in ("linear", "log_softmax"):
        raw = np.exp(raw - raw.max(axis=1, keepdims=True))
        raw /= raw.sum(axis=1, keepdims=True)
    elif raw.min() < -SAME or raw.max() > 1 + SAME:
        raise ModelRefused(
            said(
                "The network gives {low:.3g} to {high:.3g}, which are no probabilities.",
                low=raw.min(),
                high=raw.max(),
            )
        )
    elif output == "softmax" and np.abs(raw.sum(axis=1) - 1).max() > 1e-3:
        raise ModelRefused(said("The probabilities of the classes do not add up to 1."))
    return np.concatenate([1 - raw, raw], axis=1) if raw.shape[1] == 1 else raw


def _build(folder: Path, document: dict[str, Any], network, answers: ForeignAnswers) -> None:  # type: ignore[no-untyped-def]
    """Write the files of the model; ONNX at the end, since what stands before serves without it."""
    from core.errors import ExportImpossible
    from core.nn.export import GOLDEN_SEEDS
    from core.nn.gradcam import compiled_engine
    from core.nn.onnx_export import to_onnx
    from core.nn.runtime import COMPILED, ONNX
    from core.nn.saving import model_bytes, model_from_bytes
    from core.nn.serving import calibrated, golden_images
    from core.store.models import EXPLAIN, GRAPH, MODEL
    from core.types import PreprocessSpec

    _stage(folder, "build")
    content = model_bytes(network.model)
    (folder / MODEL).write_bytes(content)
    saved = model_from_bytes(content)
    golden = golden_images(GOLDEN_SEEDS, PreprocessSpec(size_px=network.model.inputs[0].shape[1]))
    logits = (
        compiled_engine(saved, network.cam_layer).run(golden, table=middle_table(answers.table, len(golden))).logits
    )
    built: dict[str, Any] = {
        "seeds": list(GOLDEN_SEEDS),
        "golden": encode(calibrated(logits, 1.0, network.task)),
        "engine": COMPILED,
        "reason": said("Its export to ONNX took too much time or memory and was stopped."),
        "parity": {},
    }
    document["built"] = built
    _write(folder, document)
    _stage(folder, "export")
    if answers.table:
        built["reason"] = said(
            "ONNX graphs are written for networks that take a picture alone; this one takes numbers too."
        )
        return
    try:
        graphs = to_onnx(saved, network.cam_layer, golden)
    except ExportImpossible as error:
        built["reason"] = english(message_of(error))
    except (ValueError, TypeError, RuntimeError) as error:  # Keras and its exporter, on a graph that they do not know
        first = (str(error).splitlines() or [""])[0][:200]
        built["reason"] = said("No ONNX graph could be written: {reason}", reason=first)
    except MemoryError:
        return
    else:
        (folder / GRAPH).write_bytes(graphs.model)
        (folder / EXPLAIN).write_bytes(graphs.explain)
        parity = {"probabilities": graphs.probability_difference, "maps": graphs.map_difference}
        built |= {"engine": ONNX, "reason": "", "parity": parity}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
