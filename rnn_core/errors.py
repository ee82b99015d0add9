"""The two documented errors, and the one way in which a value is quoted in a message."""

LONGEST_QUOTE = 60


class ConfigError(ValueError):
    """A setting is of the wrong type, out of range, or fatal together with another one."""


class ShapeError(ValueError):
    """An array has the wrong shape, type or name, or holds a value that is not finite."""


def quoted(value: object) -> str:
    """Return `value` as a message shows it: its repr, cut after 60 characters.

    A message is one sentence in a browser; 10^6 typed characters must not become part of it.
    """
    if isinstance(value, str) and len(value) > LONGEST_QUOTE:
        return f"{value[:LONGEST_QUOTE]!r}... ({len(value)} characters)"
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - a caller's object may fail in its own __repr__
        shown = f"an object of type {type(value).__name__}"
    return shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]}..."


def shown(name: object) -> str:
    """Return a tensor's name as it is, unless it is too long or too strange for a sentence."""
    is_plain = isinstance(name, str) and name.isprintable() and len(name) <= LONGEST_QUOTE
    return str(name) if is_plain else quoted(name)
