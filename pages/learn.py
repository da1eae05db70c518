"""Learn: five short lessons on stored numbers, each with one thing to move, and the tours for a room."""

from core.language import t
from pages.ui.blocks import page_head, through_router
from pages.ui.learn_balance import balance_lesson
from pages.ui.learn_fit import fit_lesson
from pages.ui.learn_gradcam import gradcam_lesson
from pages.ui.learn_lesson import choose_lesson, tour_starts
from pages.ui.learn_network import network_lesson
from pages.ui.learn_roc import roc_lesson
from pages.ui.presenting import presenting

LESSON_PAGES = {
    "network": network_lesson,
    "roc": roc_lesson,
    "overfitting": fit_lesson,
    "imbalance": balance_lesson,
    "gradcam": gradcam_lesson,
}

if presenting():
    through_router()
else:
    page_head(
        t("Learn"),
        t(
            "Five short lessons for a class: one idea each, one thing to move, and what to ask. Every number is of a "
            "stored run or of a network that ships; nothing is trained here, and no TensorFlow is needed."
        ),
    )
LESSON_PAGES[choose_lesson()]()
if not presenting():
    tour_starts()
