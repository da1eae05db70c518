"""Bring results only: a CSV of scores of a network trained elsewhere becomes a run that joins every comparison."""

from collections.abc import Mapping

import streamlit as st

from core import limits
from core.errors import MedLensError, ScoresRefused
from core.figures.names import dataset_title, task_title
from core.figures.text import counted, estimate_text
from core.language import t, tn
from core.registry.datasets import DATASETS
from core.registry.medmnist import MEDMNIST
from core.registry.metrics import find_estimate
from core.serve.results import NOTHING, Stated, import_scores, medmnist_of_name, references, template
from core.types import RunRecord
from pages.ui import cache, state
from pages.ui.blocks import error_box, plain

OUTCOME = "import-outcome"  # session state: (id of the upload, the run that came of it or the error)
OWN_DATA = ("folder", "csv")  # no task of theirs is in the catalogue
LIMIT_MB = limits.MAX_IMPORT_BYTES // 1024**2


def import_results(*, allowed: bool = True) -> None:
    """The form, and below it what became of the file."""
    st.markdown(
        t("Scores are enough: a CSV with one row per test image joins every comparison, without its network. The "
          "images are compared with those of a stored run on the same data, and every fault is told with its row."),
        width=820,
    )  # fmt: skip
    if not allowed:
        st.info(t("On this server nothing can be added; the command line can do it."), icon=":material/lock:")
        return
    with st.expander(t("Bring scores"), icon=":material/upload_file:"):
        _form()


def _form() -> None:
    first, second = st.columns(2, gap="large")
    with first:
        keys = [key for key in DATASETS if key not in OWN_DATA]
        dataset = st.selectbox(t("Data set"), keys, format_func=dataset_title, key="import-dataset")
        scheme = _task(dataset)
        name = st.text_input(t("What the network is called"), max_chars=60, key="import-name")
    with second:
        upload = st.file_uploader(
            t("Scores of the test images, a CSV"), type="csv", max_upload_size=LIMIT_MB, key="import-test"
        )
        validation = st.file_uploader(
            t("Scores of the validation images, if there are some"), type="csv", max_upload_size=LIMIT_MB,
            key="import-validation", help=t("They choose the threshold; without them it is 0.5."),
        )  # fmt: skip
    against = _against(dataset, scheme)
    medmnist = _medmnist_set(dataset, upload.name if upload is not None else "")
    _forms(dataset, scheme)
    if st.button(t("Check and add"), type="primary", icon=":material/add:", disabled=upload is None,
                 key="import-add"):  # fmt: skip
        stated = Stated(dataset=dataset, scheme=scheme, name=name, against=against, medmnist=medmnist)
        # kept, because whatever else redraws the page (a training that ends) would take the answer away again
        st.session_state[OUTCOME] = (upload.file_id, _outcome(upload, validation, stated))
    about, outcome = st.session_state.get(OUTCOME, ("", None))
    if upload is not None and about == upload.file_id:
        _say(outcome)


def _task(dataset: str) -> str:
    schemes = list(DATASETS[dataset].label_schemes) or ["as_is"]
    if dataset == "medmnist":
        schemes = list(dict.fromkeys(key for found in MEDMNIST.values() for key in found.label_schemes))
    return str(
        st.selectbox(
            t("Task"), schemes, format_func=lambda key: task_title(dataset, key), key=f"import-scheme-{dataset}"
        )
    )


def _against(dataset: str, scheme: str) -> str:
    """Which images the scores must be of: those of a stored run, found by itself or named, or none."""
    rivals = [record.run_id for record in references(dataset, scheme, cache.run_listing().done)]
    words = {"": t("look for the run that has these images"), NOTHING: t("nothing: take the images as they come")}
    return str(
        st.selectbox(
            t("Compare the images with"), ["", *rivals, NOTHING], format_func=lambda key: words.get(key, key),
            key=f"import-against-{dataset}-{scheme}",
            help=t("Only runs on the same test images can be compared in pairs."),
        )
    )  # fmt: skip


def _medmnist_set(dataset: str, file_name: str) -> str:
    if dataset != "medmnist" or medmnist_of_name(file_name):
        return ""
    return str(st.selectbox(t("Which of its sets"), list(MEDMNIST), key="import-medmnist"))


def _forms(dataset: str, scheme: str) -> None:
    """What a file looks like, for this task, and the same as a command."""
    st.caption(t("What the file looks like (image ids as in the data set; `group` and `split` may stand beside them):"))
    if dataset == "medmnist":
        st.code("0,0.125,0.875\n1,0.75,0.25", language=None)
        st.caption(t("As MedMNIST's evaluator writes it: the index of the image, then one score per label."))
        return
    text = template(dataset, scheme)
    st.code(text, language=None, wrap_lines=True)
    st.download_button(
        t("Download this as a start"), text, file_name=f"{dataset}-{scheme}.csv", mime="text/csv", on_click="ignore",
        icon=":material/download:", key="import-template",
    )  # fmt: skip
    st.caption(t("The same in a terminal:"))
    st.code(
        f'python -m core results import FILE.csv --dataset {dataset} --task {scheme} --name "NAME"', language="bash"
    )


def _outcome(upload, validation, stated: Stated) -> RunRecord | MedLensError:  # type: ignore[no-untyped-def]
    try:
        with st.spinner(t("Checking every row, drawing patients for the intervals…")):
            return import_scores(
                upload.getvalue(), upload.name, stated,
                validation=validation.getvalue() if validation is not None else None,
            )  # fmt: skip
    except MedLensError as error:
        return error


def _say(outcome: RunRecord | MedLensError) -> None:
    if isinstance(outcome, RunRecord):
        _say_stored(outcome)
    elif isinstance(outcome, ScoresRefused):
        error_box(outcome.summary)
        st.markdown("\n".join(f"- {plain(problem)}" for problem in outcome.problems))
        rest = outcome.n_problems - len(outcome.problems)
        if rest:
            st.caption(tn("and {n} more", "and {n} more", rest))
    else:
        error_box(str(outcome))


def _say_stored(record: RunRecord) -> None:
    evaluation = record.evaluations[-1]
    field = record.audit.group_field if record.audit is not None else "image"
    found = find_estimate(evaluation, "auc")
    words = counted(evaluation.n_images, evaluation.n_groups, field) if found is None else estimate_text(found, field)
    st.success(
        t("{name} stands beside the other runs now: {words}.", name=plain(record.spec.architecture),
          words=plain(words)),
        icon=":material/check:",
    )  # fmt: skip
    rescaled = int(str(record.chosen_settings["rows_rescaled"]))
    if rescaled:
        st.caption(
            tn("The probabilities of {n} row were rounded and are scaled to a sum of 1.",
               "The probabilities of {n} rows were rounded and are scaled to a sum of 1.", rescaled)
        )  # fmt: skip
    with st.container(horizontal=True):
        st.page_link(
            "pages/compare.py", label=t("See it on Compare"),
            query_params={state.DATASET: record.spec.dataset, state.TASK: record.spec.label_scheme},
        )  # fmt: skip
        st.page_link("pages/run.py", label=t("The run"), query_params={state.RUN: record.run_id})


def origin_facts(record: RunRecord) -> Mapping[str, object]:
    """What is known of a run that was not trained here: names and values."""
    spec, told = record.spec, record.chosen_settings
    against = str(told.get("checked_against", NOTHING))
    return {
        t("Data set"): dataset_title(spec.dataset),
        t("Task"): task_title(spec.dataset, spec.label_scheme),
        t("Network"): spec.architecture,
        t("Origin"): t("scores from a file, not trained here"),
        t("File"): str(told.get("file", "")),
        t("Sum of the file (SHA-256)"): spec.imported_sha256,
        t("Its images are those of"): t("not compared") if against == NOTHING else against,
        t("Rule of the cuts"): spec.threshold_rule,
    }


def origin_words(record: RunRecord) -> str:
    """Why such a run cannot be made again here, and how its scores came in."""
    return t(
        "This run was not trained here: its scores came from the file {file}. To have it elsewhere, give that file to "
        "`python -m core results import`.", file=plain(str(record.chosen_settings.get("file", ""))),
    )  # fmt: skip
