"""The lesson on what a convolutional network does: one picture from its pixels to a probability, stage by stage.

The stored trace is shown unless somebody asks for a network and a picture of their own (learn_live.py).
"""

import streamlit as st

from core.errors import ModelDamaged
from core.language import t
from core.registry.lessons import TRACED_MODEL
from core.store.traces import MEAN_POOLING, POOLING, Trace
from pages.ui import learn_cache
from pages.ui.blocks import empty_state
from pages.ui.learn_head import show_answer, show_last_numbers
from pages.ui.learn_lesson import ask_the_class, lesson_head
from pages.ui.learn_live import choose_way, live_asked
from pages.ui.learn_stages import Way, show_pixels, show_stage


def lesson_trace() -> Trace | None:
    """The stored trace, or None after words on how it is made."""
    try:
        return learn_cache.trace(TRACED_MODEL)
    except ModelDamaged as error:
        empty_state(
            t("The stored way of a picture through {model} is not here.", model=TRACED_MODEL),
            f"python -m core models trace {TRACED_MODEL}", str(error),
        )  # fmt: skip
        return None


def network_lesson() -> None:
    """Filters, activations layer by layer, pooling, the head."""
    lesson_head(
        t("From pixels to a probability"),
        t("A network never sees a nodule: it sees numbers, turns them into other numbers, and adds them up."),
    )
    if live_asked():
        way = choose_way()
    else:
        trace = lesson_trace()
        way = None if trace is None else Way(trace=trace)
    if way is None:
        return
    _stage_by_stage(way)
    ask_the_class(_live_questions() if way.live else _stored_questions(way.trace))


def _stored_questions(trace: Trace) -> list[str]:
    return [
        t("Which of the first filters answer to an edge, and which to a bright spot? Where would each light up?"),
        t("Pooling throws three of four numbers away. What does the network lose by that, and what does it gain?"),
        t("One cell of the last stage sees {px} pixels. Can this network know that a heart is too large?",
          px=trace.stages[-1].field_px),
    ]  # fmt: skip


def _live_questions() -> list[str]:
    return [
        t("Which of the first filters answer to an edge, and which to a bright spot? Where would each light up?"),
        t("Take a second picture. Which numbers change: the filters, the maps, the weights?"),
        t("Give this network a picture of something else altogether. Why does it state a probability all the same?"),
    ]


@st.fragment
def _stage_by_stage(way: Way) -> None:
    names = _stage_names(way.trace)
    # a second picture of the same network is met at the same stage
    key = f"network-stage-{way.trace.model}" if way.live else "network-stage"
    at = st.select_slider(t("Follow the picture"), list(range(len(names))), format_func=names.__getitem__, key=key)
    if at == 0:
        show_pixels(way)
    elif at == len(names) - 1:
        show_answer(way)
    elif at == len(names) - 2:
        show_last_numbers(way)
    else:
        show_stage(way, at - 1)


def _stage_names(trace: Trace) -> list[str]:
    """A name for every stop of the slider: the picture, each stage, the last numbers, the answer."""
    names, convolutions, poolings = [t("Pixels")], 0, 0
    for stage in trace.stages:
        if stage.kind in (POOLING, MEAN_POOLING):
            poolings += 1
            names.append(t("Pooling {n}", n=poolings))
        else:
            first, convolutions = convolutions + 1, convolutions + max(1, stage.convolutions)
            names.append(
                t("Convolution {n}", n=first) if first == convolutions
                else t("Convolutions {first} to {last}", first=first, last=convolutions)
            )  # fmt: skip
    return [*names, t("One number a map") if trace.pooling != "units" else t("Last numbers"), t("Answer")]
