"""python -m core: the command line. Each command lives in `core/cli`; heavy imports happen inside it."""

import typer

from core.cli.benchmark import benchmark
from core.cli.copies import duplicates
from core.cli.data import app as data_app
from core.cli.foreign import add, check
from core.cli.models import app as models_app
from core.cli.models import evaluate, export
from core.cli.predict import predict
from core.cli.results import app as results_app
from core.cli.score import score
from core.cli.serve import serve
from core.cli.siblings import siblings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="MedLens: train, compare and explain networks on medical images. Research and teaching only.",
)
data_app.command()(duplicates)
app.add_typer(data_app, name="data", help="List, check and download data sets.")
models_app.command()(check)
models_app.command()(add)
models_app.command()(siblings)
app.add_typer(models_app, name="models", help="Look into a shipped model, or into a network from outside and add it.")
app.add_typer(results_app, name="results", help="Look after stored runs.")
app.command()(benchmark)
app.command()(export)
app.command()(predict)
app.command()(evaluate)
app.command()(score)
app.command()(serve)

if __name__ == "__main__":
    app(prog_name="python -m core")
