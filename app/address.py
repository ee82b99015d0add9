"""What an address says: the settings of a run and of its page, as a query, and back.

Pure functions of text; what a session does with them stands in `link.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from app import engine
from app.sentences.numerals import counted
from rnn_core import ConfigError, ExperimentConfig
from rnn_core.allowed import Allowed, Choice, Real, Whole
from rnn_core.config import FIELDS, read_field, write_field
from rnn_core.errors import quoted

LONGEST: Final = 4_000
"""Characters of the longest address; mail programs and course pages cut longer ones."""

MOST_COMPLAINTS: Final = 4
"""A broken link may have thousands of faults; a reader needs the first few."""

BROKEN: Final = "\N{REPLACEMENT CHARACTER}"
"""What stands in a query where its bytes were no UTF-8."""

Settings = dict[str, Any]


@dataclass(frozen=True)
class Pinned:
    """A run that is kept to compare with.

    Attributes
    ----------
    config : the run itself.
    measured : name and value of every setting of a page that decides what is measured beside it,
        in the order of an address; a page that measures nothing of the kind ignores them.
    """

    config: ExperimentConfig
    measured: tuple[tuple[str, Any], ...]

    @property
    def settings(self) -> Settings:
        """Return what it changes in the settings of a page."""
        return _run_fields(self.config) | dict(self.measured)


@dataclass(frozen=True)
class PinnedRun:
    """A whole run, written as the query of its own address; None where no run is pinned."""

    @property
    def expected(self) -> str:
        """Say what the text looks like."""
        return "the settings of a run, such as cell=lstm&steps=100"

    def accepts(self, value: object) -> bool:
        """Tell whether `value` is a run."""
        return value is None or isinstance(value, Pinned)

    def read(self, text: str) -> Pinned | str | None:
        """Return the run whose query `text` is, if a page can record it."""
        if text == write_field(None):
            return None
        try:
            pairs = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=len(PINNED)))
            if not pairs.keys() <= set(PINNED):  # another `a` among them
                return text
            asked = dict(DEFAULTS) | {name: read_one(name, one) for name, one in pairs.items()}
            config = ExperimentConfig(**{name: asked[name] for name in FIELDS})
            engine.fitted(config)
        except ValueError:  # a ConfigError is one, too many fields another
            return text
        return Pinned(config, _measured(asked))


@dataclass(frozen=True)
class Names:
    """Names of settings, with commas between them."""

    @property
    def expected(self) -> str:
        """Say what the text looks like."""
        return "names of settings, such as cell,steps"

    def accepts(self, value: object) -> bool:
        """Tell whether `value` is a tuple of settings that exist."""
        return isinstance(value, tuple) and all(name in DEFAULTS for name in value)

    def read(self, text: str) -> tuple[str, ...]:
        """Return the names."""
        return tuple(name for name in text.split(",") if name)


class PageField(NamedTuple):
    """A setting of a page that changes no run: its default and what it allows.

    Attributes
    ----------
    is_measured : whether it decides what a page measures beside the run: a pinned run keeps it.
    """

    default: Any
    allowed: Allowed
    is_measured: bool = False


PAGE_FIELDS: Final[Mapping[str, PageField]] = MappingProxyType(
    {
        "sequence": PageField(1, Whole(1, 64)),
        "a": PageField(None, PinnedRun()),
        "t": PageField(None, Whole(1, 10_000, is_optional=True)),
        "unit": PageField(1, Whole(1, 512)),
        "notation": PageField("ours", Choice(("ours", "course"))),
        "big": PageField(0, Whole(0, 1)),
        "hide": PageField((), Names()),
        "lock": PageField((), Names()),
        "ask": PageField(0, Whole(0, 1)),
        "threshold": PageField(1.0, Real(1e-6, 1e6), is_measured=True),
        "clip": PageField("norm", Choice(("norm", "value")), is_measured=True),
        "learning_rate": PageField(0.1, Real(0.001, 100.0), is_measured=True),
        "unit_steps": PageField(51, Whole(1, 200), is_measured=True),
        "start_w": PageField(5.0, Real(4.0, 5.6), is_measured=True),
        "start_b": PageField(-2.5, Real(-3.0, -1.9), is_measured=True),
        "update": PageField(None, Whole(0, 300, is_optional=True)),
        "train": PageField(0, Whole(0, 1)),
        "training_rate": PageField(0.1, Real(0.001, 100.0)),
        "nets": PageField("1", Choice(("1", "20"))),
        "reach": PageField("1", Choice(("0.25", "0.5", "1", "2", "4", "32"))),
    }
)
"""The settings beside those of the run. A new one needs a line here and a control."""

DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {field.name: field.default for field in fields(ExperimentConfig)}
    | {name: field.default for name, field in PAGE_FIELDS.items()}
)
"""Every setting at its default, in the order of an address."""

MEASURED: Final = tuple(name for name, field in PAGE_FIELDS.items() if field.is_measured)
"""Settings of a page that a pinned run keeps beside its own."""

PINNED: Final = (*FIELDS, *MEASURED)
"""Every setting of a pinned run."""


class Read(NamedTuple):
    """What an address asks for, and one sentence for each thing in it that cannot be."""

    settings: Settings
    complaints: tuple[str, ...]


def read_one(name: str, text: str) -> Any:
    """Return the value of setting `name` that `text` spells.

    Raises
    ------
    ConfigError : "<setting>: expected <what>, got <text>", for an unknown name as well.
    """
    if BROKEN in text:
        raise ConfigError(f"{name}: expected text in UTF-8, got {quoted(text)}")
    if name in FIELDS:
        return read_field(name, text)
    if name not in PAGE_FIELDS:
        raise ConfigError(_about_unknown([name]))
    allowed = PAGE_FIELDS[name].allowed
    value = allowed.read(text)
    if not allowed.accepts(value):
        raise ConfigError(f"{name}: expected {allowed.expected}, got {quoted(text)}")
    return value


def _about_unknown(names: Sequence[str]) -> str:
    """Say that some names are no settings; the first few of them, in one sentence."""
    named = ", ".join(quoted(name) for name in names[:MOST_COMPLAINTS])
    more = len(names) - MOST_COMPLAINTS
    if more > 0:
        named += f" and {counted(more, 'more name')}"
    return f"{named}: expected one of {', '.join(DEFAULTS)}"


def write_one(value: Any, *, is_full: bool = False) -> str:
    """Return the text that `read_one` turns back into `value`."""
    if isinstance(value, tuple):
        return ",".join(value)
    if not isinstance(value, Pinned):
        return write_field(value)
    run = value.settings
    return urlencode({n: write_field(v) for n, v in run.items() if is_full or v != DEFAULTS[n]})


def config_of(settings: Mapping[str, Any]) -> ExperimentConfig:
    """Return the run of `settings`; what means nothing beside the rest is left at its default.

    A control keeps its value while it does not apply: ReLU is chosen, the cell becomes an LSTM,
    which has no activation to choose, then a vanilla cell again, and ReLU is back.

    Raises
    ------
    ConfigError : where a value is not allowed.
    """
    asked = {name: settings[name] for name in FIELDS}
    ignored = [
        *(["activation", "is_tied"] if asked["cell"] != "rnn" else []),
        *(["forget_bias"] if asked["cell"] != "lstm" else []),
        *(["init"] if asked["cell"] != "lstm" and asked["init"] == "chrono" else []),
        *(["chrono_steps"] if (asked["cell"], asked["init"]) != ("lstm", "chrono") else []),
        *(["text"] if asked["source"] != "text" else []),
        *(["truncate"] if (asked["truncate"] or 0) > asked["steps"] else []),
    ]
    return ExperimentConfig(**asked | {name: DEFAULTS[name] for name in ignored})


def pinned_of(settings: Mapping[str, Any]) -> Pinned:
    """Return the run of `settings` with what pages measure beside it, to be kept."""
    return Pinned(config_of(settings), _measured(settings))


def read(query: Mapping[str, Sequence[str]], fallback: Mapping[str, Any]) -> Read:
    """Return the settings that a query asks for.

    A field that is absent, repeated or not allowed has its default. Where the fields do not go
    together, or the run is too large for a page, the answer is `fallback`.

    Parameters
    ----------
    query : every key with all its values.
    fallback : settings that can run.
    """
    settings, complaints = dict(DEFAULTS), []
    for name in filter(DEFAULTS.__contains__, query):
        try:
            settings[name] = _read_one(name, query[name])
        except ConfigError as error:
            complaints.append(str(error))
    if settings["init"] == "chrono" and "cell" not in query:
        settings["cell"] = "lstm"  # chrono biases are of an LSTM's gates: they name the cell
    try:
        engine.fitted(ExperimentConfig(**{name: settings[name] for name in FIELDS}))
    except ConfigError as error:
        settings = dict(fallback)
        complaints.append(str(error))
    if unknown := [name for name in query if name not in DEFAULTS]:
        complaints.append(_about_unknown(unknown))
    if len(complaints) > MOST_COMPLAINTS:
        rest = len(complaints) - MOST_COMPLAINTS
        complaints[MOST_COMPLAINTS:] = [f"address: {rest} more settings are wrong"]
    return Read(settings, tuple(complaints))


def of_drag(query: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the query of a value under a finger with what it needs: a forget bias, an LSTM.

    The page's own query has the cell that was chosen before the finger came.
    """
    if "forget_bias" not in query or list(query.get("cell", ())) == ["lstm"]:
        return dict(query)
    rest = {name: texts for name, texts in query.items() if name not in ("activation", "is_tied")}
    return rest | {"cell": ["lstm"]}


def write(settings: Mapping[str, Any], *, is_full: bool = False) -> dict[str, str]:
    """Return the query of `settings`: what differs from the default, or everything.

    A full query means the same run when a default changes one day.
    """
    shown = dict(settings) | _run_fields(config_of(settings))
    return {
        name: write_one(shown[name], is_full=is_full)
        for name, default in DEFAULTS.items()
        if shown[name] != default or (is_full and name != "a")
    }


def run_name(settings: Mapping[str, Any], fingerprint: str) -> str:
    """Return what `data-run` says of a painted picture: `<query of the run>#<fingerprint>`."""
    return f"{urlencode(write(settings))}#{fingerprint}"


def _measured(settings: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, settings[name]) for name in MEASURED)


def _run_fields(config: ExperimentConfig) -> Settings:
    return {name: getattr(config, name) for name in FIELDS}


def _read_one(name: str, texts: Sequence[str]) -> Any:
    value = read_one(name, texts[-1])
    if len(texts) != 1:
        raise ConfigError(f"{name}: expected one value, got {len(texts)}")
    return value
