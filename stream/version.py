"""The version of the grading engine, carried by every alert."""

from __future__ import annotations

ENGINE_VERSION = "0.6.0"
