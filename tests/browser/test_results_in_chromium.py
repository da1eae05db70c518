"""The results pages in a real browser: what only a browser does is clicked here."""

import pytest

from core.store.runs import list_runs


@pytest.mark.slow
def test_a_click_on_a_cell_of_the_matrix_lists_its_images(app, visit):
    run = next(r for r in list_runs().done if r.task == "multiclass" and r.spec.head == "mlp")
    counts, names = run.evaluations[1].confusion, run.class_names
    truth, call = max(
        ((i, j) for i in range(len(names)) for j in range(len(names)) if i != j),
        key=lambda at: counts[at[0]][at[1]] if at != (0, 1) else -1,
    )
    page = visit(f"{app}/run?run={run.run_id}&part=errors")
    page.get_by_text("A cell of the matrix").click()
    visit.settle(page)
    matrix = (
        page.locator(".js-plotly-plot")
        .filter(has=page.locator(".scatterlayer .point"))
        .filter(has=page.locator(".heatmaplayer image"))
    )
    matrix.last.locator(".scatterlayer .point").nth(truth * len(names) + call).click(force=True)
    said = f"{counts[truth][call]} images of {names[truth]} called {names[call]}"
    page.get_by_text(said, exact=True).wait_for(timeout=20_000)
    assert page.faults == page.foreign == []
