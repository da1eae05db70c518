"""Sentences and figures of each module in Spanish, of shipped models and stored runs: no English is left in them."""

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.evaluation.published import compare_published, summary_of
from core.evaluation.reading_room import SEEDS, simulate, wait_curves, wait_summaries
from core.evaluation.verdict import verdict
from core.figures import (
    calibration,
    confusion,
    curves,
    datasets,
    doubts,
    history,
    leaderboard,
    localisation,
    names,
    overlay,
    probabilities,
    published,
    referral,
    representativeness,
    scores,
    sentences,
    sequences,
    text,
    triage,
)
from core.figures.report import Report, limits_title, overlay_caption
from core.figures.report_html import report_html
from core.figures.sheet import _apart, captioned_overlay
from core.language import listing, speak_for
from core.registry.gaps import Gap, PartScore, Reference, Representativeness
from core.registry.published import published_figures
from core.registry.reading import ReadingRoom
from core.store.models import list_models
from core.store.runs import list_runs
from core.types import Comparison, Heatmap, OverlapAudit

ENGLISH = re.compile(
    r"\b(the|of|and|with|is|are|was|from|this|that|its|for|which|images?|pictures?|network|patients?|cut|test|share)\b",
    re.IGNORECASE,
)
SHOWN = {"text", "name", "hovertemplate", "texttemplate"}


@pytest.fixture(autouse=True)
def spanish():
    speak_for(lambda: "es")
    yield
    speak_for(lambda: "en")


@pytest.fixture(scope="module")
def cards():
    return list_models().cards


@pytest.fixture(scope="module")
def runs():
    wanted = ("chest-xray-pneumonia-", "ham10000-ham-seven-", "nih-chest-xray-", "union-", "phantom-phantom-")
    return [record for record in list_runs().done if record.run_id.startswith(wanted)]


def words_of(figure):
    """Every text of a figure: names, titles, annotations, what is said where it is pointed at."""
    found, waiting = [], [figure.to_plotly_json()]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found += [v for k, v in node.items() if k in SHOWN and isinstance(v, str)]
            waiting += node.values()
        elif isinstance(node, list | tuple):
            waiting += [item for item in node if not isinstance(item, str | int | float)]
    return found


def english_in(lines):
    return [line for line in lines if ENGLISH.search(re.sub(r"<[^>]*>|%\{[^}]*\}", " ", line))]


def test_what_is_said_of_a_model_and_of_its_answer(cards):
    said = []
    for card in cards:
        shares = np.full(len(card.class_names), 1 / len(card.class_names))
        said += [sentences.card_headline(card), sentences.built_sentence(card), sentences.domain_sentence(card)]
        said += [sentences.decision_words(card), sentences.rule_words(card.threshold), *sentences.card_estimates(card)]
        said += [sentences.verdict_sentence(card, shares, card.class_names[:1]), sentences.engine_sentence(card)]
        said += [sentences.mismatch_sentence(card, synthetic=synthetic) for synthetic in (True, False)]
        said += [doubts.unlike_sentence(card), doubts.unlike_words(card, 0.97), doubts.unlike_words(card, 1.0)]
        said += [*doubts.gate_lines(card), *doubts.referral_lines(card), names.model_title(card.title)]
        said += [localisation.localisation_sentence(card), *localisation.localisation_lines(card)]
        for empty in (True, False):
            heat = Heatmap(
                values=np.zeros((7, 7)), class_name=card.class_names[0], method="Grad-CAM", layer="out_relu",
                grid=(7, 7), is_empty=empty, image_id="",
            )  # fmt: skip
            said.append(sentences.map_sentence(heat))
        said += words_of(probabilities.probability_figure(shares, card.class_names, highlighted=card.class_names[0]))
        said += [overlay_caption(card.class_names[0]), limits_title(names.model_title(card.title))]
    spots = np.eye(9).reshape(9, 3, 3)
    said += [overlay.attention_words(spot, False) for spot in spots] + [overlay.attention_words(spots[0], True)]
    assert len(said) > 60
    assert not english_in(said)


def test_what_is_said_of_a_run(runs):
    titles = names.run_titles(runs)
    runs = list({(r.spec.label_scheme, names.split_kind_of(r)): r for r in runs}.values())  # one of each kind
    said = [
        *titles.values(),
        *words_of(leaderboard.forest_figure(runs, titles)),
        *words_of(leaderboard.bars_figure(runs)),
    ]
    for record in runs:
        said += [text.split_badge(record.audit, record.spec), text.audit_text(record.audit)]
        said += [names.task_title(record.spec.dataset, record.spec.label_scheme)]
        said += [names.strategy_title(record.spec.strategy), sequences.history_words(record)]
        for found in record.evaluations[-1:]:
            said += [
                text.worst_text(found),
                *(text.estimate_text(e, names.group_field_of(record)) for e in found.estimates),
            ]
            said += [text.method_words(e.method) for e in found.estimates]
            lines = [curves.line_of(found, "roc", c, label="x", color="#123456") for c in curves.curve_classes(found)]
            said += words_of(curves.roc_figure([line for line in lines if line is not None]))
            said += words_of(curves.pr_figure([], prevalence=0.2))
            if found.calibration is not None:
                said += [sentences.calibration_sentence(found.calibration)]
                said += words_of(calibration.calibration_figure(found.calibration))
    shares = [[3, 1], [2, 4]]
    said += words_of(confusion.confusion_figure(shares, ["Benign", "Malignant"], clickable=True))
    said += words_of(confusion.multilabel_figure([[1, 2, 3, 4]], ["Mass"]))
    said += words_of(datasets.balance_figure({"train": {"Mass": 3}, "test": {"Mass": 2}}, ["Mass"]))
    said += words_of(scores.scores_figure([0.8], [0.1], 0.5, names=("sí", "no")))
    said += words_of(history.history_figure(pd.DataFrame({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]})))
    line = np.array([0.5, 1.0])
    said += words_of(referral.risk_coverage_figure(line, line / 9, line / 10, line / 8, answered=0.9, error=0.1))
    assert len(said) > 200
    assert not english_in(said)


@pytest.mark.parametrize("crossing", [0, 1, 3])
@pytest.mark.parametrize("word", ["patient", "lesion", "study", "group", "synthetic patient"])
def test_the_audit_counts_with_the_right_gender(word, crossing):
    audit = OverlapAudit(
        split_kind="group", group_field=word, groups_in_several_splits=crossing, images_in_several_splits=crossing
    )
    said = text.audit_text(audit)
    assert not english_in([said, text.split_badge(audit, None)])
    if word == "lesion":
        assert {0: "ninguna lesión", 1: "1 lesión", 3: "3 lesiones"}[crossing] in said


def test_published_figures_beside_ours(runs):
    rows = compare_published(published_figures(), runs)
    said = [published.summary_words(summary_of(rows)), published.figure_words(rows)]
    said += [part for task in published.task_words(rows) for part in (task.title, task.behind, task.differs)]
    said += words_of(published.published_figure(rows))
    table = published.published_table(rows)
    said += [*table.columns]
    for column in (
        "Su modelo",
        "Veredicto",
        "Métrica",
        "Diferencias",
        "Tarea",
        "Medido en",
        "Su nota",
        "Elegida entre",
    ):
        said += list(dict.fromkeys(table[column].dropna().astype(str)))
    allowed = ("SIIM-FISABIO-RSNA", "Chest X-ray")  # titles of data sets
    assert len(said) > 200
    assert not [line for line in english_in(said) if not any(name in line for name in allowed)]


def test_the_verdict_in_each_of_its_forms():
    def against(other, difference, low, high, p_value, metric="auc"):
        return Comparison(
            first="a", second=other, metric=metric, difference=difference, low=low, high=high, p_value=p_value,
            method="", n_images=9, n_groups=9, distinguishable=low > 0,
        )  # fmt: skip

    beaten, level = against("b", 0.04, 0.02, 0.06, 0.001), against("c", 0.003, -0.004, 0.01, 0.4)
    close = [against(key, 0.02, 0.001, 0.04, 0.03) for key in "bcdef"]
    lower = against("b", -0.06, -0.07, -0.05, 0.001, "brier")
    forms = ([], [beaten], [level], [beaten, level], close, [beaten, *close], [lower], [against("b", 0, -0.1, 0.1, 1)])
    said = [verdict(form, {}, "a", 1040, 620, value=0.93, unit="lesions") for form in forms]
    assert said[1] == (
        "a tiene el valor más alto de AUC, 0.930. Supera a b por 0.040 (0.020 a 0.060), "
        "en 1,040 imágenes de 620 lesiones."
    )
    assert not english_in(said)


def test_the_reading_room_and_the_gaps():
    rng = np.random.default_rng(1)
    ill = rng.random(400) < 0.3
    room = ReadingRoom(readers=2, minutes=5, per_hour=20, prevalence=0.1)
    waiting = simulate(rng.random(400), ill, rng.random(400) < 0.4, np.arange(400).astype(str), room)
    found = wait_summaries(waiting, 30)
    said = [triage.waiting_sentence(found, len(SEEDS)), triage.missed_sentence(found), triage.bound_sentence(found)]
    said += [triage.limit_sentence(found), triage.room_sentence(room, 0.8), *triage.waiting_table(found).columns]
    said += words_of(triage.waiting_figure(wait_curves(waiting, list(triage.LOOKS)), 30, len(SEEDS)))
    for value, told in ((0.1, True), (0.1, False), (-0.1, True)):
        low = value - 0.02 if told else -0.2
        gaps = tuple(
            Gap(kind=kind, metric=metric, value=value, low=low, high=0.3, n_first=3, n_second=4, method="")
            for kind in representativeness.STEPS
            for metric in ("auc", "accuracy")
        )
        check = Representativeness(target="ham10000", parts=(), gaps=gaps, reference=Reference(words="x", stated={}))
        said += [representativeness.verdict_words(check, "auc"), representativeness.meaning_words(check)]
        said += [representativeness.reference_words(check)]
        said += [str(cell) for row in representativeness.gap_table(check).itertuples() for cell in row]
    said += [representativeness.part_title(PartScore(split=s, source="", n_images=1, n_groups=1, estimates={}))
             for s in ("train", "validation", "test")]  # fmt: skip
    assert not english_in(said)


def test_a_report_says_its_language_and_the_warning():
    written = report_html(Report(pictures=(), limits={"x": ()}, versions={}, created=datetime(2026, 1, 2, tzinfo=UTC)))
    assert '<html lang="es">' in written
    assert "Esto no es un diagnóstico." in written
    assert not english_in([re.sub(r"(?s)<style>.*?</style>|<meta[^>]*>|<[^>]*>", " ", written)])


def test_a_list_ends_with_y_or_with_e():
    assert listing(["a", "b", "c"]) == "a, b y c"
    assert [listing(["a", word]) for word in ("imagen", "**Hígado**", "hierro", "ión")] == [
        "a e imagen", "a e **Hígado**", "a y hierro", "a e ión",
    ]  # fmt: skip


def test_every_word_of_the_live_view_is_used_and_none_is_missing():
    from pages.ui.live_words import live_words

    folder = Path(__file__).parents[1] / "pages" / "ui" / "live"
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))
    known = live_words()
    asked = set(re.findall(r'say\("(\w+)"|data-(?:word|label)="(\w+)"', source))
    assert {key for pair in asked for key in pair if key} <= set(known)
    assert not [key for key in known if f'"{key}"' not in source]


def test_letters_with_accents_are_drawn_on_the_sheet_that_leaves_the_app():
    def ink(line):
        drawn = captioned_overlay(np.full((40, 640, 3), 90, dtype=np.uint8), [line], 0.5)
        return (drawn[40:] < 60).all(axis=2).sum()

    assert _apart("Ñandú, pingüino: 0.91–0.99")[0] == "Nandu, pinguino: 0.91-0.99"
    assert ink("aaaaaaaaaa") < ink("áááááááááá") < 1.4 * ink("aaaaaaaaaa")  # a box for each would be far more
    assert ink("nnnnnnnnnn") < ink("ññññññññññ") < 1.4 * ink("nnnnnnnnnn")
