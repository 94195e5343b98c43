"""The README's screen of the demo: copied from a terminal, and still what the ward leads to."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime

from rich.console import Console
from rich.live import Live

from stream.demo.board import Board, LiveScreen
from stream.demo.ward import load_ward
from stream.engine.assess import status
from stream.offline import OfflineEngine
from stream.rules import load_ruleset
from tests.readme import README

WIDTH = 132
DRIVEN_BY = slice(93, 125)  # these words may be those of an earlier status


def test_the_readme_s_screen_is_one_of_this_demo() -> None:
    """Remake it, where this fails, from a terminal of that width in which `make demo` runs."""
    (text,) = re.findall(
        r"<!-- screen -->\n```text\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL
    )
    above, _, below = text.partition("\n\n")
    clock = re.match(r"ward clock (.{12}) ", below)
    assert clock
    board, said = at(clock[1])
    for line in re.split(r" (?=2026-\S+ \S+  \w)", above.replace("\n", " ")):
        assert line in said
    assert table(below) == table(drawn(board))


def at(clock: str) -> tuple[Board, set[str | None]]:
    """The board once all that was received until `02 Mar 10:00` is graded, and what it told."""
    engine, ward = OfflineEngine(load_ruleset()), load_ward(load_ruleset())
    board, said = Board(ward.stories, ward.begins), set()
    for raw in ward.events:
        event = json.loads(raw)
        now = datetime.fromisoformat(event["received_at"])
        if f"{now:%d %b %H:%M}" > clock:  # the ward stays within one month
            break
        board.clock, answer = now, engine.take(raw)
        board.letters += len(answer.rejections)
        for alert in answer.alerts:
            said.add(board.take("alerts", alert.patient_id, alert.to_bytes()))
        patient_id = event["patient_id"]
        board.status[patient_id] = status(engine.states[patient_id], engine.ruleset)
    return board, said


def drawn(board: Board) -> str:
    file = io.StringIO()
    console = Console(file=file, width=WIDTH)
    live = Live(console=console)
    LiveScreen(live, "metrics http://127.0.0.1:9108/metrics   Ctrl-C ends the demo").show(board)
    console.print(live.renderable)
    return file.getvalue().strip()


def table(screen: str) -> list[str]:
    """Line by line, but for what the records under way make differ for a moment."""
    head, titles, *rows, foot = (line.rstrip() for line in screen.splitlines())
    rows = [row[: DRIVEN_BY.start] + row[DRIVEN_BY.stop :] for row in rows]
    return [re.sub(r"\d+ events sent", "", head), titles, *rows, foot]
