"""The README files are true: commands, options, paths, labels, tables and versions stand in the code as they say."""

import ast
import csv
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from core.__main__ import app
from core.registry.architectures import ARCHITECTURES
from core.registry.datasets import DATASETS
from core.registry.heads import HEADS
from core.registry.labels import LABEL_SCHEMES
from core.store.codec import run_id_of
from core.training.plan import load_plan, plan_files

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAP = (ROOT / "core" / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
DOCUMENTS = {"README.md": README, "core/README.md": MAP, "CHANGELOG.md": CHANGELOG}
COMMANDS = typer.main.get_command(app)
OWN_DATA = ("folder", "csv")  # readers without a source or a licence of their own


def section(text, heading):
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def blocks(text, language):
    """The fenced code blocks of one language, without their indent, continued lines joined."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"^ {3}", "", block, flags=re.MULTILINE).replace("\\\n", "") for block in found]


def inline(text):
    """The code spans of a text, fenced blocks apart."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL))


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table_below(text, header):
    """The rows of the table whose first line begins with `header`."""
    lines = text.split(header, 1)[1].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.strip().startswith("|"):
            break
        rows.append(cells(line))
    return rows


def prompt_lines(text):
    return [line for block in blocks(text, "bash") for line in block.splitlines() if line.strip()]


WRITTEN = [line for line in prompt_lines(README) if line.startswith("python -m core ")]
MENTIONED = sorted({span for text in DOCUMENTS.values() for span in inline(text) if "python -m core " in span})


def words_of(line):
    return shlex.split(line.split("python -m core ", 1)[1], comments=True)


def command_of(words):
    """The command that the first words name, and the words that are left for it."""
    command, rest = COMMANDS, list(words)
    while hasattr(command, "commands"):
        assert rest and rest[0] in command.commands, f"there is no command {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    return command, rest


def options_of(command):
    return {name for parameter in command.params for name in parameter.opts} | {"--help"}


def every_command(group=COMMANDS):
    for command in group.commands.values():
        yield from every_command(command) if hasattr(command, "commands") else [command]


@pytest.mark.parametrize("line", WRITTEN)
def test_a_command_in_a_code_block_is_understood(line):
    command, rest = command_of(words_of(line))
    context = command.make_context(command.name, rest)  # wrong options and missing arguments raise
    given = context.params
    assert given.get("plan") in {None, *plan_files()}
    assert given.get("key") in {None, *DATASETS}
    assert given.get("dataset") in {None, *DATASETS}
    assert given.get("model") is None or (ROOT / "models" / given["model"] / "card.json").is_file()
    assert given.get("run_id") is None or (ROOT / "results" / given["run_id"] / "run.json").is_file()


@pytest.mark.parametrize("span", MENTIONED)
def test_a_command_in_a_sentence_exists_with_its_options(span):
    command, rest = command_of(words_of(span))
    assert {word for word in rest if word.startswith("--")} <= options_of(command)


def test_the_check_of_commands_catches_a_wrong_one():
    with pytest.raises(AssertionError):
        command_of(["trian", "phantom"])
    command, rest = command_of(["benchmark", "phantom", "--rooot", "DIR"])
    with pytest.raises(Exception, match="rooot"):
        command.make_context("benchmark", rest)


def test_every_command_is_described():
    described = {command_of(words_of(span))[0].name for span in MENTIONED if span in README}
    assert described == {command.name for command in every_command()}


def test_every_option_named_alone_belongs_to_a_command():
    known = set().union(*(options_of(command) for command in every_command()))
    named = {
        word
        for text in DOCUMENTS.values()
        for span in inline(text)
        if "pip " not in span
        for word in re.findall(r"--[a-z-]+", span)
    }
    assert named <= known


def test_every_make_target_named_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    spans = [span for text in DOCUMENTS.values() for span in [*inline(text), *prompt_lines(text)]]
    named = {target for span in spans for target in re.findall(r"\bmake ([a-z]+)", span.split("#")[0])}
    assert named >= {"app", "test", "benchmark"}
    assert named <= targets


def test_the_variables_are_those_that_the_program_reads():
    inner = {"MEDLENS_PROGRESS"}  # from a worker to its own training
    readers = [p.read_text(encoding="utf-8") for folder in ("core", "pages") for p in ROOT.glob(f"{folder}/**/*.py")]
    read = {name for text in readers for name in re.findall(r'"(MEDLENS_[A-Z_]+)"', text)} - inner
    assert set(re.findall(r"MEDLENS_[A-Z_]+", README)) == read


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name):
    folder = (ROOT / name).parent
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", DOCUMENTS[name]) if not link.startswith("http")]
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_named_is_there(name):
    spans = [span for span in inline(DOCUMENTS[name]) if re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*/?", span)]
    files = [s for s in spans if s.endswith((".py", ".toml", ".md", ".txt", "/")) and "NAME" not in s]
    made = {"features.json", "seen_images.txt", "patients.csv", "test_list.txt", "train_val_list.txt", "images/"}
    wanted = {f for f in files if f not in made and "overlays" not in f and not f.startswith("results/phantom")}
    planned = {"nn/inspect.py"}  # named as not there yet
    folders = (ROOT, ROOT / "core", *(p for p in (ROOT / "core").iterdir() if p.is_dir()))
    missing = {f for f in wanted if not any(any(folder.glob(f.rstrip("/"))) for folder in folders)}
    assert missing <= planned


def test_the_words_to_click_are_those_on_the_screen():
    shown = "\n".join(
        p.read_text(encoding="utf-8")
        for p in [ROOT / "app.py", *ROOT.glob("pages/**/*.py"), *ROOT.glob("pages/ui/live/*")]
    )
    steps = "".join(
        section(README, f"Five minutes for a {who}") for who in ("stakeholder", "data scientist", "teacher")
    )
    labels = set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", "".join(re.split(r"```.*?```", steps, flags=re.DOTALL))))
    assert len(labels) > 15
    samples = {"Nodule"}  # a caption made from a label
    assert {label for label in labels if label not in shown} <= samples


def requirement_lines(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]


@pytest.mark.parametrize("line", [*requirement_lines("requirements.txt"), *requirement_lines("requirements-dev.txt")])
def test_every_requirement_has_a_range_and_a_reason(line):
    requirement, mark, reason = line.partition("  #")
    assert mark and reason.strip()
    versions = requirement.split(";")[0]
    assert ">=" in versions and re.search(r",<\d", versions)


def test_the_changelog_begins_with_the_version_of_the_project():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    top = re.search(r"^## \[([^\]]+)\] - (\d{4}-\d{2}-\d{2})$", CHANGELOG, flags=re.MULTILINE)
    assert top is not None and top.group(1) == version
    assert f"version {version}" in README
    for file in ("api.py", "docs.py"):
        text = (ROOT / "core" / "serve" / file).read_text(encoding="utf-8")
        assert set(re.findall(r'version[": =]+"(\d[\d.]*)"', text, flags=re.IGNORECASE)) == {version}


def architecture_test():
    spec = importlib.util.spec_from_file_location("architecture_test", ROOT / "tests" / "test_architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_import_table_is_the_one_that_is_enforced():
    module = architecture_test()
    spelled = re.search(r"\*base\* is `([^`]+)`", MAP.replace("\n", " "))
    assert spelled is not None and set(spelled.group(1).split()) == module.BASE

    def names(cell):
        return set() if cell == "–" else set(re.split(r", ", cell))

    table = {
        row[0].strip("`"): tuple(names(cell) for cell in row[1:]) for row in table_below(MAP, "| folder | from core")
    }
    enforced = {
        folder: ((core - module.BASE) | {"base"}, heavy, inside)
        for folder, (core, heavy, inside) in module.MAY_IMPORT.items()
    }
    assert table == enforced


def test_every_test_that_guards_an_invariant_exists():
    rows = table_below(MAP, "| invariant |")
    assert [row[0][2] for row in rows] == list("123456")
    for row in rows:
        for file, names in re.findall(r"`(tests/[\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", row[1]):
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert set(re.findall(r"`(\w+)`", names)) <= defined
        assert "`test_" in row[1]


def test_licences_and_citations_are_those_of_the_catalogue():
    rows = {row[0].strip("`"): tuple(row[1:]) for row in table_below(README, "| data set | licence |")}
    assert rows == {key: (s.licence, s.citation) for key, s in DATASETS.items() if key not in OWN_DATA and not s.joins}


def fine_tuned_rows():
    """The table of fine-tuned networks as the stored turns of the plan `shipped` give it, in the plan's order."""
    from core.evaluation.turns import apart, mean_estimate, turns_of
    from core.registry.labels import label_scheme
    from core.store.runs import is_finished, load_record
    from core.training.summary import overall

    ids = [run_id_of(spec) for spec in load_plan("shipped").runs]
    for turns in turns_of([load_record(run_id) for run_id in ids if is_finished(run_id)]):
        spec = turns[0].spec
        metrics = ("auc", "accuracy", "balanced_accuracy")
        found = [mean_estimate([overall(r, "test", m) for r in turns], independent=apart(turns)) for m in metrics]
        figures = [f"{e.value:.3f} ({e.low:.3f}–{e.high:.3f})" for e in found]
        images = f"{found[0].n_images:,} images of {found[0].n_groups:,}"
        how = ", at equal shares" if spec.stated_shares == "equal" else ""
        if spec.architecture != "mobilenet_v2":
            how += f", {ARCHITECTURES[spec.architecture].title} as it is"
        how += ", both together" if spec.members else ""
        how += ", nevi at 40 %" if "keep" in dict(spec.dataset_options) else ""
        yield [f"{label_scheme(spec.label_scheme).title}{how} (`{spec.dataset}`)", str(len(turns)), *figures, images]


def test_the_table_of_fine_tuned_networks_is_what_is_stored():
    assert table_below(README, "| question | turns |") == list(fine_tuned_rows())


def seen_rows():
    """The table of several sides: the networks of the plan `shipped` as they are, and as the plan `views` asks them."""
    from core.evaluation.turns import apart, mean_estimate, turns_of
    from core.registry.labels import label_scheme
    from core.store.runs import is_finished, load_record
    from core.training.summary import overall

    asked = [run_id_of(spec) for spec in load_plan("views").runs]
    for several in turns_of([load_record(run_id) for run_id in asked if is_finished(run_id)]):
        one = [load_record(record.spec.weights.removeprefix("run:")) for record in several]
        spec, figures = several[0].spec, []
        for split, metric in (("validation", "auc"), ("test", "auc"), ("test", "accuracy")):
            for turns in (one, several):
                e = mean_estimate([overall(r, split, metric) for r in turns], independent=apart(turns))
                figures.append(f"{e.value:.3f} ({e.low:.3f}–{e.high:.3f})")
        images = f"{len(several)} turns, {e.n_images:,} images of {e.n_groups:,}"
        yield [f"{label_scheme(spec.label_scheme).title} (`{spec.dataset}`)", spec.views, *figures, images]


def test_the_table_of_several_sides_is_what_is_stored():
    assert table_below(README, "| question | sides |") == list(seen_rows())


def union_rows():
    """The three steps of García Boronat's union with the small network: where each was trained, and what it gives."""
    from core.store.runs import is_finished, load_record
    from core.training.summary import overall

    specs = [s for s in load_plan("garcia-boronat").runs if s.architecture == "mobilenet_v2"]
    for spec in (s for s in specs if is_finished(run_id_of(s))):
        record = load_record(run_id_of(spec))
        where = "SIIM and Kermany together" if spec.dataset == "union" else "SIIM alone"
        start = "that network" if spec.weights.startswith("run:") else "ImageNet"
        parts = [("validation", "auc"), ("test", "auc"), ("test", "accuracy")]
        found = [overall(record, split, metric) for split, metric in parts]
        figures = [f"{e.value:.3f} ({e.low:.3f}–{e.high:.3f}), {e.n_images:,} images" for e in found]
        yield [where, start, *figures]


def test_the_table_of_the_union_is_what_is_stored():
    assert table_below(README, "| trained on | from |") == list(union_rows())


def test_every_plan_has_its_command():
    from core.training.plan import plan_files

    assert {key for key in plan_files() if f"python -m core benchmark {key}" not in README} == set()


def test_every_reader_of_real_data_has_its_layout_described():
    rows = {row[0].strip("`") for row in table_below(README, "| key | from |")}
    assert rows == {key for key, spec in DATASETS.items() if not spec.synthetic and not spec.joins}


def test_the_table_of_results_is_the_leaderboard():
    text = section(README, "Shipped results")
    # only the plans that are shipped: what someone trains beside them is no fault of the README
    shipped = {run_id_of(spec) for plan in ("chest_xray", "phantom") for spec in load_plan(plan).runs}
    with (ROOT / "results" / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        runs = [r for r in csv.DictReader(file) if r["run_id"] in shipped and r["strategy"] == "frozen"]
    header = next(line for line in text.splitlines() if line.strip().startswith("| task "))
    heads = cells(header)[2:]
    table = {}
    for row in table_below(text, header):
        table |= {(row[0], row[1], head): value for head, value in zip(heads, row[2:], strict=True)}
    stored = {
        (LABEL_SCHEMES[r["label_scheme"]].title, ARCHITECTURES[r["architecture"]].title, HEADS[r["head"]].title):
            f"{float(r['auc']):.3f} ({float(r['auc_low']):.3f}–{float(r['auc_high']):.3f})"
        for r in runs if r["head"] != "dummy"
    }  # fmt: skip
    assert len(runs) == len(shipped) - 1  # all but the network that is trained from scratch
    assert table == stored
    assert {float(r["auc"]) for r in runs if r["head"] == "dummy"} == {0.5}
    for r in runs:
        assert f"{int(r['n_test_images']):,} images of {int(r['n_test_groups']):,}" in " ".join(text.split())
