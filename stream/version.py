"""The versions of the grading engine, carried by every alert, and of the package."""

from __future__ import annotations

ENGINE_VERSION = "0.8.0"


def package_version() -> str:
    """Of what is installed; `unknown` where nothing is."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, seldom asked

    try:
        return version("stormwatch")
    except PackageNotFoundError:
        return "unknown"
