"""What the browser says of a picture, read so that no other client can say more.

Each reader returns what to call a listener with; None for what no picture of ours sends.
"""

import math
from collections.abc import Container
from typing import Any


def pinned(said: Any) -> tuple[int | None] | None:
    """Return the pinned step, or that none is.

    >>> pinned({"step": 30}), pinned({"step": None}), pinned({"step": "30"}), pinned(None)
    ((30,), (None,), None, None)
    """
    if not isinstance(said, dict) or not isinstance(said.get("step", ""), int | None):
        return None
    return (said["step"],)


def walked(said: Any) -> tuple[int] | None:
    """Return the update at which a walk rests.

    >>> walked({"update": 3}), walked({"update": 3.5})
    ((3,), None)
    """
    if not isinstance(said, dict) or not isinstance(said.get("update"), int):
        return None
    return (said["update"],)


def unheard(said: Any, names: Container[str]) -> tuple[dict[str, float]] | None:
    """Return where the sliders among `names` were let go while the server was away.

    >>> unheard({"weight_scale": 1.5, "steps": "many", "other": 1}, {"weight_scale", "steps"})
    ({'weight_scale': 1.5},)
    """
    if not isinstance(said, dict):
        return None
    moved = {name: one for name, one in said.items() if name in names and _is_number(one)}
    return (moved,) if moved else None


def _is_number(one: Any) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
