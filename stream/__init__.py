"""Stormwatch: what it is and how it is run stands in README.md."""

from __future__ import annotations

from stream.compiled import prepare

prepare()  # before any module of the engine can be imported
