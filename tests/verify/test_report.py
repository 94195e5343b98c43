"""What people read of a verification."""

from __future__ import annotations

import io

from rich.console import Console

from stream.verify.findings import Finding, Kind, Report
from stream.verify.report import SHOWN, as_json, show, summary


def shown(report: Report) -> str:
    console = Console(file=io.StringIO(), width=140)
    show(report, lambda patient: f"<{patient[-1]}>", console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_gravest_comes_first_with_its_place_and_what_to_do() -> None:
    report = Report()
    report.add(Finding(Kind.BEHIND, None, "vitals", 2, (17,), (), "4 records"))
    report.add(Finding(Kind.REORDERED, "patient-7", "alerts", 3, (5, 6), ("a-1", "a-2")))
    text = shown(report)
    assert text.index("Not as it must be: reordered (1)") < text.index("Good to know: behind (1)")
    assert "<7>" in text
    assert "patient-7" not in text
    assert "alerts[3]@5, 6" in text
    assert "vitals[2]@17" in text
    assert Kind.REORDERED.advice in text
    assert text.endswith("1 findings\n")


def test_many_of_a_kind_are_counted_not_listed() -> None:
    report = Report()
    for number in range(SHOWN + 5):
        report.add(Finding(Kind.UNDECIDABLE, f"p{number}", "alerts", 0))
    text = shown(report)
    assert "… and 5 more" in text
    assert text.endswith(f"consistent; {SHOWN + 5} not decidable\n")
    assert summary(report)["not_decidable"] == SHOWN + 5


def test_every_kind_has_its_words() -> None:
    for kind in Kind:
        assert kind.meaning.endswith("."), kind
        assert kind.advice.endswith("."), kind
        assert as_json(Finding(kind), str)["type"] == kind.weight.value
