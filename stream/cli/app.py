"""The commands, put together. Modules of commands import what is slow inside the commands."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli import (
    ack,
    assess,
    bench,
    burden,
    config,
    demo,
    explain,
    grade,
    guidance,
    products,
    replay,
    route,
    router,
    rules,
    scales,
    schemas,
    score,
    soak,
    tail,
    topics,
    verify,
    worker,
)
from stream.compiled import engine
from stream.version import ENGINE_VERSION, package_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SUMMARY = """Watch patients for cytokine release syndrome: Kafka events in, ASTCT 2019 grades out.

Research software: not a medical device, and not for clinical use."""

EXIT_STATUS = (
    "Exit status:",
    "0  done",
    "1  the answer is no: nothing readable, --strict, a mismatch",
    "2  a wrong argument, file or setting",
    "3  no broker, or its topics are not as they must be",
    "130  ended by Ctrl-C",
)


def command(
    function: Callable[..., None],
    examples: Iterable[str],
    under: typer.Typer | None = None,
    name: str | None = None,
) -> None:
    """Registers a command; its docstring, with paragraphs as one line each, is its help."""
    paragraphs = inspect.getdoc(function) or ""
    (app if under is None else under).command(
        name,
        help="\n\n".join(" ".join(text.split()) for text in paragraphs.split("\n\n")),
        epilog="\n".join(("Examples:", *examples)),
    )(function)


app = typer.Typer(
    name="stormwatch",
    help=SUMMARY,
    epilog="\n".join(EXIT_STATUS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
command(demo.demo, demo.EXAMPLES)
command(grade.grade, grade.EXAMPLES)
command(assess.assess, assess.EXAMPLES)
command(explain.explain, explain.EXAMPLES)
command(score.score, score.EXAMPLES)
command(scales.scales, scales.EXAMPLES)
command(products.products, products.EXAMPLES)
command(guidance.guidance, guidance.EXAMPLES)
rules_app = typer.Typer(
    help="The thresholds in force: show them, check a site's own, compare two.",
    no_args_is_help=True,
)
app.add_typer(rules_app, name="rules")
command(rules.check, rules.CHECK_EXAMPLES, rules_app)
command(rules.diff, rules.DIFF_EXAMPLES, rules_app)
command(rules.show, rules.SHOW_EXAMPLES, rules_app)
command(worker.worker, worker.EXAMPLES)
command(router.router, router.EXAMPLES)
topics_app = typer.Typer(
    help="Make the topics, or see whether they are as they must be.", no_args_is_help=True
)
app.add_typer(topics_app, name="topics")
command(topics.create, topics.CREATE_EXAMPLES, topics_app)
command(topics.check, topics.CHECK_EXAMPLES, topics_app)
route_app = typer.Typer(
    help="Where an alert would go, and whether a file of routes can be used.", no_args_is_help=True
)
app.add_typer(route_app, name="route")
command(route.check, route.CHECK_EXAMPLES, route_app)
command(route.would_go, route.TEST_EXAMPLES, route_app, "test")
command(replay.replay, replay.EXAMPLES)
command(tail.tail, tail.EXAMPLES)
command(ack.ack, ack.EXAMPLES)
command(burden.burden, burden.EXAMPLES)
command(verify.verify, verify.EXAMPLES)
command(soak.soak, soak.EXAMPLES)
command(bench.bench, bench.EXAMPLES)
command(config.config, config.EXAMPLES)
schemas_app = typer.Typer(
    help="The wire contract as JSON Schema and AsyncAPI.", no_args_is_help=True
)
app.add_typer(schemas_app, name="schemas")
command(schemas.list_schemas, schemas.LIST_EXAMPLES, schemas_app, "list")
command(schemas.show, schemas.SHOW_EXAMPLES, schemas_app)
command(schemas.write, schemas.WRITE_EXAMPLES, schemas_app)
command(schemas.check, schemas.CHECK_EXAMPLES, schemas_app)


def _print_version(asked: bool) -> None:
    if not asked:
        return
    print(f"stormwatch {package_version()}")
    mode, reason = engine()
    print(f"engine {ENGINE_VERSION}, {mode}: {reason}")
    raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="The version, and how the engine runs.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    pass
