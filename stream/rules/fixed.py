"""Which rows of the packaged document are definitions, so that no site changes them."""

from __future__ import annotations

from fnmatch import fnmatchcase

SCALE = "a published definition: a scale with other grades is another scale, not a site's setting"
_SCORE = (
    "a published score: a site may change its bands, hold_s, announce and max_age_s, nothing else"
)
_SCREEN = "a published criterion: a site may change what lies around the criteria"
_PRODUCT = "a published figure or what the product is; windows and limits can be changed"
_DEVICE = "what the device is; its grade can be changed within limits"
_AGENT = "what the agent is: its class decides whether it makes a grade"
_TIMER = "whom published guidance is for; times and texts can be changed within limits"
_LADDER = (
    "whom the ladder is for; a site adds ladders of its own, which come first, with ids that begin "
    "with 'site-'"
)
FIXED = (
    ("grades.*", SCALE),
    ("icans.*", SCALE),
    ("scales.*", SCALE),
    ("scores.*", _SCORE),
    *((f"iec_hs.{name}.*", _SCREEN) for name in ("ferritin", "common", "other")),
    *((f"devices.*.{name}", _DEVICE) for name in ("kind", "support", "mapped")),
    ("agents.*", _AGENT),
    ("dose_limits.*.unit", "what the limit is reckoned in"),
    ("stale.*.flag", "a word of the contract"),
    *(
        (f"timers.*.{name}", _TIMER)
        for name in (
            "products",
            "therapy_classes",
            "premedicated_classes",
            "grade",
            "day_s",
            "citation",
        )
    ),
    (
        "guidance.rows.*",
        "what a publication says; a site adds rows of its own, their ids begin with 'site-'",
    ),
    ("labs.*.same", "spellings of one unit: another unit there would change every result"),
    ("labs.*.unit", "what everything else of the analyte is reckoned in"),
    ("labs.*.factors.*", "arithmetic between units, nothing that a site can choose"),
    ("labs.*.divisors.*", "arithmetic between units, nothing that a site can choose"),
    ("ladders.rows.*.for", _LADDER),
    ("ladders.rows.*.for.*", _LADDER),
    ("ladders.rows.*.outpatient", _LADDER),
    ("ladders.rows.*.rungs.*.number", "the order of the rungs"),
    ("ladders.rows.*.rungs.*.each_shift", _LADDER),
    *(
        (f"products.*.{name}", _PRODUCT)
        for name in ("brand", "therapy_class", "target", "suicide_gene", "like", "rates", "rates.*")
    ),
)
"""Rows that no site can change, and why."""
FREE = (
    "ladders.rows.site-*",
    "guidance.rows.site-*",
    "scores.*.announce",
    "scores.*.hold_s",
    "scores.*.bands.*.at_least",
    "scores.*.bands.*.above",
    "scores.*.bands.*.priority",
    "scores.*.inputs.*.max_age_s",
)
"""Rows that can be changed although one of `FIXED` is for them too."""


def fixed(row: str) -> str:
    """Why a row cannot be changed; empty where it can."""
    if any(fnmatchcase(row, free) for free in FREE):
        return ""
    return next((why for pattern, why in FIXED if fnmatchcase(row, pattern)), "")
