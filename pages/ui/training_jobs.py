"""The Train page's second half: trainings in the background, looked at anew every two seconds while one is alive."""

import re

import streamlit as st

from core.errors import MedLensError
from core.figures.history import history_figure
from core.figures.text import duration
from core.jobs import queue
from core.jobs.following import Progress, log_tail, progress
from core.jobs.queue import Job
from core.language import t, tn
from pages.ui import cache, state
from pages.ui.blocks import chart, error_box, plain

LOOK_SECONDS = 2.0
SHOWN = 8  # jobs; older ones can be removed, and their runs are on the other pages anyway
COLOURS = {
    "waiting": "grey", "running": "blue", "stopping": "orange", "done": "green", "failed": "red", "stopped": "orange",
    "lost": "red",
}  # fmt: skip
ICONS = {
    "waiting": "hourglass_empty", "running": "model_training", "stopping": "hourglass_bottom", "done": "check",
    "failed": "error", "stopped": "pause", "lost": "power_off",
}  # fmt: skip
_EPOCH = re.compile(r"epoch (\d+) of at most (\d+)")
_PART = re.compile(r"(features|images) of the (train|validation|test) part")


def show(*, allowed: bool) -> None:
    """All jobs, the newest first; while one is alive this part of the page looks again by itself."""
    alive = any(job.state in queue.ALIVE for job in queue.jobs())
    st.fragment(_show_jobs, run_every=LOOK_SECONDS if alive else None)(allowed=allowed, was_alive=alive)


def _show_jobs(*, allowed: bool, was_alive: bool) -> None:
    found = queue.jobs()
    if was_alive != any(job.state in queue.ALIVE for job in found):
        st.rerun(scope="app")  # something was begun or ended: what is stored has changed, and how often to look
    if not found:
        st.caption(t("Nothing has been started here yet. One training works at a time; others wait in line."))
    for job in found[:SHOWN]:
        with st.container(border=True, key=f"job-{job.job_id}"):
            _show_job(job, allowed=allowed)


def _show_job(job: Job, *, allowed: bool) -> None:
    now = progress(job)
    total = len(job.request.run_ids)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(t(job.request.title))}**")
        st.badge(_state_words(job), color=COLOURS[job.state], icon=f":material/{ICONS[job.state]}:")
    st.progress(len(now.stored) / total, text=_counted(now, total))
    if job.state in ("running", "stopping") and now.current:
        st.markdown(f"`{now.current}`  \n{plain(_doing(now))}")
    if job.state not in ("waiting", "done") and now.history is not None and len(now.history):
        last = now.history["val_loss"].iloc[-1] if "val_loss" in now.history else None
        chart(
            history_figure(now.history), key=f"curve-{job.job_id}",
            alt=tn("Loss of training and validation over {n} epoch so far",
                   "Loss of training and validation over {n} epochs so far", len(now.history)),
        )  # fmt: skip
        if last is not None:
            st.caption(
                t("Validation loss after epoch {epoch}: {loss}; {seconds} an epoch.", epoch=len(now.history),
                  loss=f"{last:.3f}", seconds=duration(float(now.history["seconds"].median())))
            )  # fmt: skip
    if job.state in ("stopped", "lost", "failed") and len(now.stored) < total:
        st.caption(t("What is stored stays. Resume goes on where it stopped, at the end of the line."))
    if now.stored:
        _link(now.stored[0])
    tail = log_tail(job)
    if tail:
        with st.expander(t("What it printed last"), expanded=job.state == "failed"):
            st.code(tail, language=None, wrap_lines=True)
    if allowed:
        _buttons(job, complete=len(now.stored) == total)


def _link(run_id: str) -> None:
    """To the task of a stored run on the Compare page."""
    spec = next((record.spec for record in cache.run_listing().records if record.run_id == run_id), None)
    if spec is not None:
        st.page_link(
            "pages/compare.py", label=t("See them on Compare"),
            query_params={state.DATASET: spec.dataset, state.TASK: spec.label_scheme},
        )  # fmt: skip


def _state_words(job: Job) -> str:
    if job.state == "waiting":
        return tn("waiting, {n} before it", "waiting, {n} before it", job.ahead)
    words = {
        "running": t("under way"), "stopping": t("stopping"), "done": t("done"), "failed": t("ended with an error"),
        "stopped": t("stopped"), "lost": t("gone: the machine or the process was ended"),
    }  # fmt: skip
    return words[job.state]


def _counted(now: Progress, total: int) -> str:
    text = tn("{stored} of {n} run stored", "{stored} of {n} runs stored", total, stored=len(now.stored))
    if not now.failed:
        return text
    return text + ", " + tn("{n} failed", "{n} failed", len(now.failed))


def _doing(now: Progress) -> str:
    """What the run under way does, in the reader's language where the stage is one that is known."""
    if not now.stage:
        return t("getting ready")
    words = stage_words(now.stage)
    if now.total > 1:
        return t("{what}: {done} of {total}", what=words, done=f"{now.done:,}", total=f"{now.total:,}")
    return words


def stage_words(stage: str) -> str:
    """A stage as the training names it, for a reader."""
    if epoch := _EPOCH.fullmatch(stage):
        return t("epoch {n} of at most {most}, batches", n=epoch.group(1), most=epoch.group(2))
    if part := _PART.fullmatch(stage):
        parts = {"train": t("training part"), "validation": t("validation part"), "test": t("test part")}
        what = parts[part.group(2)]
        if part.group(1) == "features":
            return t("computing features, {part}", part=what)
        return t("reading images, {part}", part=what)
    known = {
        "reading the data set": t("reading the data set"), "checking every image": t("checking every image"),
        "computing intervals": t("computing intervals"),
    }  # fmt: skip
    if stage.startswith("training ("):
        return t("epochs")
    if stage.startswith("fitting "):
        return t("fitting the head, settings tried")
    return known.get(stage, stage)


def _buttons(job: Job, *, complete: bool) -> None:
    with st.container(horizontal=True, gap="small"):
        if job.state in ("waiting", "running"):
            st.button(
                t("Stop"), icon=":material/stop:", key=f"stop-{job.job_id}", on_click=_act,
                args=("stop", job.job_id),
                help=t("The run under way is kept up to its last epoch and can be resumed."),
            )  # fmt: skip
        elif job.state == "stopping":
            st.button(
                t("End it now"), icon=":material/dangerous:", key=f"kill-{job.job_id}", on_click=_act,
                args=("kill", job.job_id),
                help=t("For a training that does not stop by itself within half a minute."),
            )  # fmt: skip
        else:
            if not complete:
                st.button(
                    t("Resume"), icon=":material/play_arrow:", key=f"resume-{job.job_id}", on_click=_act,
                    args=("resume", job.job_id), type="primary",
                )  # fmt: skip
            st.button(
                t("Remove from this list"), icon=":material/delete:", key=f"forget-{job.job_id}", on_click=_act,
                args=("forget", job.job_id), help=t("Its runs in results/ stay."),
            )  # fmt: skip
    said = st.session_state.pop(f"train-fault-{job.job_id}", "")
    if said:
        error_box(said)


def _act(what: str, job_id: str) -> None:
    """A button's work; a sentence is kept for the card when it cannot be done."""
    actions = {
        "stop": queue.stop, "kill": lambda key: queue.stop(key, now=True), "resume": queue.resume,
        "forget": queue.forget,
    }  # fmt: skip
    try:
        actions[what](job_id)
    except (MedLensError, OSError) as error:
        st.session_state[f"train-fault-{job_id}"] = str(error)
