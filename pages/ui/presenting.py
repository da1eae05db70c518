"""The presenter's view: `?present=1` hides what is not for the room and makes type bigger; a bar leads through a tour.

The bar's Next and Back open links (pages/ui/tours.py); PageDown and PageUp, the keys of a presenter's remote control,
press them. What a lesson is about (sliders, buttons, figures) stays; pickers, downloads and folded parts are hidden:
the link has chosen already.
"""

from typing import Literal

import plotly.graph_objects as go
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import SpecInvalid
from core.figures.text import NOT_A_DIAGNOSIS
from core.language import said, t
from pages.ui import state
from pages.ui.tours import Tour, checked_tour, in_words, query_of

FONT_PX = 19  # of figures, which CSS does not reach: readable from the back at 1920 pixels
PROSE_PX, WIDE_PROSE_PX = 820, 1360
TALLER = 1.1  # of figures: the larger type needs the room, and a title, a slider and a figure still fit 1080 pixels
HIDDEN = (
    "stSidebar", "stSidebarCollapsedControl", "stExpandSidebarButton", "stHeader", "stToolbar", "stElementToolbar",
    "stDownloadButton", "stExpander", "stSelectbox", "stMultiSelect",
)  # fmt: skip
STYLE = """<style>
@media (min-width: 1000px) {{ html {{ font-size: 21px; }} }}
{hidden} {{ display: none !important; }}
.modebar {{ display: none !important; }}
[data-testid="stMainBlockContainer"] {{ padding-top: 0.6rem; padding-bottom: 10rem; max-width: 1800px; }}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] * {{ font-size: 0.92rem !important; }}
.st-key-tour-bar {{
  position: fixed; left: 0; right: 0; bottom: 0; z-index: 99; padding: 0.4rem 1.5rem 0.6rem;
  background: Canvas; color: CanvasText; border-top: 2px solid #2F84B7;
}}
@media (max-width: 640px) {{
  .st-key-tour-bar [data-testid="stCaptionContainer"], .st-key-tour-bar kbd {{ display: none; }}
  .st-key-tour-bar p {{ font-size: 0.9rem; }}
}}
</style>"""  # Canvas and CanvasText follow the page's light or dark look


def presenting() -> bool:
    """Whether this session looks at the presenter's view."""
    return get_script_run_ctx(suppress_warning=True) is not None and st.query_params.get(state.PRESENT) == "1"


def show_presenting() -> None:
    """The look of the presenter's view and, where the link names a tour, its bar. Call it before the page draws."""
    if not presenting():
        return
    st.html(STYLE.format(hidden=", ".join(f'[data-testid="{name}"]' for name in HIDDEN)))
    key = st.query_params.get(state.TOUR)
    if key:
        _show_tour(key)
    else:
        _leave_line()


def prose_px() -> int:
    """How wide a paragraph of a lesson may be: type for a room needs a longer line for as many words."""
    return WIDE_PROSE_PX if presenting() else PROSE_PX


def enlarged(figure: go.Figure) -> go.Figure:
    """A copy of the figure with type for a room in the presenter's view; the same figure otherwise."""
    if presenting():
        figure = go.Figure(figure)  # the caller's stays as it is
        figure.update_layout(font={"size": FONT_PX}, legend={"font": {"size": FONT_PX}})
        if figure.layout.height:
            figure.update_layout(height=round(figure.layout.height * TALLER))
        figure.update_annotations(font={"size": FONT_PX})
        figure.update_xaxes(title={"font": {"size": FONT_PX}}, tickfont={"size": FONT_PX - 2})
        figure.update_yaxes(title={"font": {"size": FONT_PX}}, tickfont={"size": FONT_PX - 2})
    return figure


def _show_tour(key: str) -> None:
    try:
        tour = checked_tour(key)
        number = step_number(st.query_params.get(state.STEP), len(tour.steps))
    except SpecInvalid as error:
        from pages.ui.blocks import error_box  # which imports this file, for its figures

        error_box(str(error))
        _leave_line()
        return
    with st.container(key="tour-bar"):
        said, moves = st.columns([7, 5], vertical_alignment="center", gap="medium")
        with said:
            place = t("Step {number} of {count}", number=number, count=len(tour.steps))
            st.markdown(f"**{place}.** {in_words(tour.steps[number - 1].say)}")
        with moves, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            _button(tour, number - 1, t("Back"), "PageUp", ":material/arrow_back:")
            _button(tour, number + 1, t("Next"), "PageDown", ":material/arrow_forward:")
            if st.button(t("End"), icon=":material/close:", key="tour-leave", type="tertiary"):
                st.switch_page("pages/learn.py")
        st.caption(t(NOT_A_DIAGNOSIS))


def step_number(asked: str | None, count: int) -> int:
    """The step of a link, from 1; the first where it names none. Raises SpecInvalid for anything but 1 to `count`."""
    if asked is None:
        return 1
    if not asked.isdecimal() or not 1 <= int(asked) <= count:
        raise SpecInvalid(
            said(
                "This tour has the steps 1 to {count}; the link asks for {asked}.", count=count, asked=repr(asked[:20])
            )
        )
    return int(asked)


def _button(tour: Tour, number: int, label: str, key: str, icon: str) -> None:
    """Next or Back: opens the link of step `number`; out of use where there is none."""
    there = 1 <= number <= len(tour.steps)
    kind: Literal["primary", "secondary"] = "primary" if key == "PageDown" and there else "secondary"
    if st.button(label, icon=icon, shortcut=key, disabled=not there, key=f"tour-{key}", type=kind):
        st.switch_page(f"pages/{tour.steps[number - 1].page}.py", query_params=query_of(tour, number))


def _leave_line() -> None:
    """Out of the presenter's view, and the line that stands beside everything."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(t(NOT_A_DIAGNOSIS), width="content")
        if st.button(t("End presenting"), icon=":material/close:", key="present-leave", type="tertiary"):
            del st.query_params[state.PRESENT]
            st.rerun()
