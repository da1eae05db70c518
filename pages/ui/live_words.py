"""The words of the live view, which the browser fills in: in the reader's language, fields as {name}.

The scripts in pages/ui/live/ take every text from here by its key, so that none stands there in one language.
"""

from core.language import t


def live_words() -> dict[str, str]:
    """Key -> text; a key of `view.html` is one of its data-word or data-label attributes."""
    return {**_view(), **_buttons(), **_sentences(), **_troubles()}


def _view() -> dict[str, str]:
    return {
        "liveCamera": t("Live camera"),
        "cameraPicture": t("Picture of the camera"),
        "frozenFrame": t("The frozen frame"),
        "mapOver": t("Heat map over the picture"),
        "colourBar": t("Colour bar, from low to high attention"),
        "low": t("low attention"),
        "high": t("high attention"),
        "camera": t("Camera"),
        "given": t("Probabilities given by the network"),
    }


def _buttons() -> dict[str, str]:
    return {
        "start": t("Start the camera"),
        "pause": t("Pause"),
        "resume": t("Resume"),
        "asking": t("Waiting for the camera…"),
        "snapshot": t("Snapshot"),
        "stop": t("Stop"),
        "off": t("The camera is off."),
        "allowed": t("The browser asks whether this page may use the camera."),
        "paused": t("Paused: nothing is sent"),
        "taken": t("Snapshot taken; it stands in the gallery below."),
    }


def _sentences() -> dict[str, str]:
    return {
        "under": t("under {share}"),
        "over": t("over {share}"),
        "cut": t("cut {value}"),
        "positive": t("{positive} {score}, above the cut of {cut}: the network calls this frame {called}."),
        "negative": t("{positive} {score}, below the cut of {cut}: the network calls this frame {called}."),
        "noneCalled": t("None of the {count} findings reaches its cut on this frame."),
        "called": t("At its cuts the network calls: {names}."),
        "ranked": t("{first} {share}, more than to any other of {count} answers; next is {second} with {next}."),
        "spread": t("Last second, {count} frames: {name} {range}."),
        "spreadBoth": t("Last second, {count} frames: {name} {range}, on both sides of the cut."),
        "range": t("{low} to {high}"),
        "speed": t("{fps} frames a second, answered after {latency} ({server} of it on the server)"),
        "frozen": t("This is the frozen frame."),
        "emptyMap": t("No part of the frame raises {class_name}: the map is empty."),
    }


def _troubles() -> dict[str, str]:
    return {
        "insecure": t(
            "The browser lends its camera only to pages under HTTPS or on localhost. Open this page at "
            "http://localhost on the machine that runs it, or have it served under HTTPS."
        ),
        "unsupported": t("This browser cannot lend a camera to a page. A current Chrome, Edge, Firefox or Safari can."),
        "denied": t(
            "The camera was not allowed. Allow it for this page in the browser's address bar (or in the settings of "
            "the device), then start again."
        ),
        "none": t("No camera was found. Connect one, or open this page on a phone, then start again."),
        "used": t("The camera is in use by another program. Close that one, then start again."),
        "lost": t("The camera went away: it was unplugged or taken by another program. Connect it, then start again."),
        "hidden": t(
            "The camera was let go because this tab was in the background for a minute. Start it again when you need "
            "it."
        ),
        "busy": t("The server is busy with other pictures; the next frame follows in a moment."),
        "waiting": t("Waiting for the server's answer. The first one takes a moment, while the network is loaded."),
        "failed": t("Something went wrong on the server; trying again."),
        "refused": t("The server refused the frame; trying again."),
        "barred": t("The server does not answer this page. Reload it: you may have to sign in again."),
        "missing": t("This model is no longer on the server. Choose another one."),
        "gone": t("The server does not answer; trying again. If it stays so, check that MedLens is still running."),
        "slow": t("The server took too long for a frame; trying again."),
        "garbled": t("The server's answer was not understood. Reload this page; it may be older than the server."),
    }
