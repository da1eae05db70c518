"""The benchmark itself: rounds take turns, medians and goals say what they mean, and nothing fails for slowness."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NAMES = ("start", "compare", "cold", "memory", "crowd", "score", "predict", "api", "features", "train")


@pytest.fixture(scope="module")
def bench():
    """The modules of this folder, which is no package: found by path, and the path taken back afterwards."""
    before = list(sys.path)
    sys.path.insert(0, str(HERE))
    import run

    yield run
    sys.path[:] = before


class FakeClock:
    """Time that passes only when somebody works."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def work(self, seconds):
        self.now += seconds


def test_every_measurement_is_registered_under_its_name(bench):
    assert tuple(bench.MEASUREMENTS) == NAMES
    assert [measure.__module__ for measure in bench.MEASUREMENTS.values()] == [
        "starting", "opening", "waking", "holding", "crowding", "bulk", "prediction", "answering", "extraction",
        "training",
    ]  # fmt: skip


def test_importing_the_benchmark_brings_no_tensorflow():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import run; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(HERE)], cwd=ROOT).returncode == 0


def test_candidates_take_turns_and_every_second_round_goes_backwards(bench):
    import timing

    calls = []
    found = timing.interleaved(
        {"a": lambda: calls.append("a") or len(calls), "b": lambda: calls.append("b") or len(calls)}, 3, warm_ups=1
    )
    assert "".join(calls) == "abbaabba"
    assert found == {"a": [4, 5, 8], "b": [3, 6, 7]}  # the warm-up's 1 and 2 do not count


def test_a_machine_that_slows_down_leaves_the_ratio_as_it_is(bench):
    import timing

    clock, slowness = FakeClock(), iter([1, 1, 1, 1, 7, 7, 7, 7, 3, 3, 3, 3, 1, 1])
    measures = {
        "twice": timing.timed(lambda: clock.work(2.0 * next(slowness)), clock),
        "once": timing.timed(lambda: clock.work(1.0 * next(slowness)), clock),
    }
    found = timing.interleaved(measures, 7, warm_ups=0)
    assert found["once"] == [1, 1, 7, 7, 3, 3, 1]
    assert timing.ratios(found["twice"], found["once"]) == [2.0] * 7


def test_no_round_begins_after_its_time_but_three_always_count(bench):
    import timing

    clock = FakeClock()
    measures = {"slow": timing.timed(lambda: clock.work(10.0), clock)}
    assert len(timing.interleaved(measures, 9, seconds=5, clock=clock)["slow"]) == 3
    assert len(timing.interleaved(measures, 9, seconds=55, clock=clock)["slow"]) == 5  # and one before that: 60 s
    assert len(timing.interleaved(measures, 9, clock=clock)["slow"]) == 9


def test_nothing_measured_is_an_error_and_no_number(bench):
    import timing

    with pytest.raises(ValueError, match="0 rounds"):
        timing.interleaved({}, 0)
    with pytest.raises(ValueError, match="no ratio"):
        timing.ratios([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="no ratio"):
        timing.ratios([1.0], [0.0])
    with pytest.raises(ValueError, match="no ratio"):
        timing.ratios([], [])


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([3.0], "1 round, 3.00–3.00 s"),
        ([3.0, 1.0, 2.0], "3 rounds, 1.00–3.00 s"),
        ([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0], "8 rounds, half of them 2.00–5.00 s"),
    ],
)
def test_a_median_says_how_far_its_rounds_agree(bench, values, text):
    import timing

    assert timing.described(values, " s") == text


@pytest.mark.parametrize(
    ("sense", "value", "reached"),
    [("at least", 0.95, True), ("at least", 0.949, False), ("at most", 1.3, True), ("at most", 1.301, False)],
)
def test_a_goal_is_reached_at_its_bound_and_on_its_side(bench, sense, value, reached):
    import report

    assert report.Row("x", value, "×", "", report.Goal(sense, 0.95 if sense == "at least" else 1.3)).reached is reached


def test_a_row_says_number_goal_and_whether_it_is_reached(bench):
    import report

    missed = report.Row("Compare page", 2.061, "s", "5 rounds", report.Goal("at most", 1.5))
    assert report.number_text(missed.value, missed.unit) == "2.06 s"
    assert report.goal_text(missed) == "≤ 1.50 s"
    assert report.reached_text(missed) == "no"
    told = report.Row("peak memory", 189.6, "MB", "")
    assert (report.number_text(told.value, told.unit), report.goal_text(told)) == ("190 MB", "–")
    assert (told.reached, report.reached_text(told)) == (None, "–")
    assert missed.as_json() == {
        "what": "Compare page", "value": 2.061, "unit": "s", "goal": {"sense": "at most", "limit": 1.5},
        "reached": False, "how": "5 rounds",
    }  # fmt: skip


def test_the_table_prints_brackets_as_they_stand(bench):
    import report
    from rich.console import Console

    console = Console(width=120, record=True, file=io.StringIO())
    report.print_report(
        console, {"CPU": "[fast]"}, [report.Row("model[0]", 1.0, "×", "[bold]")], [report.Failure("x", "no [y]")]
    )
    text = console.export_text()
    assert all(word in text for word in ("[fast]", "model[0]", "[bold]", "x could not be measured: no [y]"))


def slow_row(bench):
    import report

    return [report.Row("something", 99.0, "s", "once", report.Goal("at most", 1.0))]


def test_slowness_is_no_failure(bench, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "MEASUREMENTS", {"slow": lambda settings: slow_row(bench)})
    assert bench.main(["--json", str(tmp_path / "rows.json")]) == 0
    assert "99.00 s" in capsys.readouterr().out
    document = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert [(row["name"], row["value"], row["reached"]) for row in document["rows"]] == [("slow", 99.0, False)]
    assert document["failures"] == []
    assert document["machine"]["CPU"]
    assert document["machine"]["cores"] >= 1
    assert 0 <= document["share_of_others"] <= 1


def test_a_measurement_that_cannot_be_made_is_named_and_the_others_still_run(bench, monkeypatch, capsys):
    def broken(settings):
        raise OSError("no such port")

    seen = []
    measurements = {"broken": broken, "slow": lambda settings: seen.append(settings) or slow_row(bench)}
    monkeypatch.setattr(bench, "MEASUREMENTS", measurements)
    assert bench.main(["--quick"]) == 1
    printed = capsys.readouterr().out
    assert "broken could not be measured: OSError: no such port" in printed
    assert "99.00 s" in printed
    assert seen[0].quick
    assert not seen[0].full
    assert not seen[0].folder.exists()  # its temporary folder is gone


def test_only_runs_what_it_names_and_refuses_what_it_does_not_know(bench, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(bench, "MEASUREMENTS", {n: lambda _, n=n: ran.append(n) or slow_row(bench) for n in NAMES})
    assert bench.main(["--only", "features", "--only", "start"]) == 0
    assert ran == ["start", "features"]
    with pytest.raises(SystemExit) as stopped:
        bench.main(["--only", "everything"])
    assert stopped.value.code == 2


def test_the_share_of_other_programs_leaves_out_our_own_work(bench):
    from machine import Usage, share_of_others

    before = Usage(everybody=100.0, own=10.0, wall=0.0)
    # 10 s on two cores offer 20 s; everybody used 12 s, of which 7 s were ours
    assert share_of_others(before, Usage(112.0, 17.0, 10.0), 2) == pytest.approx(0.25)
    assert share_of_others(before, Usage(105.0, 17.0, 10.0), 2) == 0.0
    assert share_of_others(before, before, 2) == 0.0
    assert "ratios rough" in bench.others_text(0.25)
    assert bench.others_text(0.04) == "Other programs took 4% of the cores meanwhile."


HELD = """
import sys; sys.path.insert(0, sys.argv[1])
from machine import peak_memory_mb
before = peak_memory_mb()
block = b"x" * 200_000_000
del block
print(before, peak_memory_mb())
"""


def test_peak_memory_counts_what_a_process_once_held_and_nothing_of_its_parent(bench):
    block = b"x" * 300_000_000  # a process takes over its parent's ru_maxrss, which is not what is asked for
    command = [sys.executable, "-c", HELD, str(HERE)]
    before, after = map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert before < len(block) / 1e6
    assert 190 < after - before < 300


def test_generated_runs_are_stored_apart_and_share_their_images(bench, tmp_path):
    import numpy as np
    from generated import run_specs, write_runs

    from core.store.codec import run_id_of
    from core.store.runs import list_runs, load_predictions

    assert len({run_id_of(spec) for spec in run_specs(50)}) == 50
    write_runs(tmp_path, 2)
    listing = list_runs(tmp_path)
    assert (len(listing.done), listing.damaged) == (2, ())
    first, second = (load_predictions(record.run_id, "test", tmp_path) for record in listing.done)
    assert len(first) == 600
    np.testing.assert_array_equal(first.y_true, second.y_true)
    assert not np.array_equal(first.y_prob, second.y_prob)


def test_a_generated_card_is_of_the_network_that_is_measured(bench):
    from generated import ARCHITECTURE, make_card

    card = make_card("bench", ("Normal", "Pneumonia"), "binary")
    assert (card.architecture, card.preprocess.size_px, card.temperature) == (ARCHITECTURE, 224, 1.0)
    assert make_card("bench", ("A", "B", "C"), "multilabel").positive_class is None


def test_a_child_process_sees_none_of_the_users_folders(bench, monkeypatch):
    from settings import child_environment

    monkeypatch.setenv("MEDLENS_MODELS", "/somewhere")
    environment = child_environment(MEDLENS_RESULTS="/results")
    assert "MEDLENS_MODELS" not in environment
    assert environment["MEDLENS_RESULTS"] == "/results"
    assert environment["PYTHONPATH"] == str(ROOT)
