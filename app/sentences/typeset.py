"""Plain sentences set for a page: 10^-37 and W_hh as a formula would have them."""

import re
from html import escape
from typing import Final

_POWER: Final = re.compile(r"10\^(-?[0-9]+(?:\.[0-9]+)?)")
_INDEX: Final = re.compile(r"(?:\b|(?<=/d))([WhG])_(hh|t|0)\b")
_LAG: Final = re.compile(r"\^lag\b")

_UNSEEN: Final = '<span style="font-size:0">^</span>'
"""A caret for those who copy the sentence, or hear it: "10-37" would be another number."""


def for_html(text: str) -> str:
    """Return HTML that shows `text`, whatever it contains.

    >>> for_html("W_hh <b>")
    'W<sub>hh</sub> &lt;b&gt;'
    """
    raised = _POWER.sub(lambda m: f"10{_UNSEEN}<sup>{_signed(m[1])}</sup>", escape(text))
    raised = _LAG.sub(f"{_UNSEEN}<sup>lag</sup>", raised)
    return _INDEX.sub(r"\1<sub>\2</sub>", raised)


def for_label(text: str) -> str:
    """Return the name of a row or column as Markdown, with its derivative as a formula.

    >>> for_label("share in dL/dW_hh")
    'share in $dL/dW_{hh}$'
    """
    return text.replace("dL/dW_hh", "$dL/dW_{hh}$")


def for_figure(text: str) -> str:
    """Return the same for a note in a figure.

    >>> for_figure("10^-37 at step 1")
    '10<sup>−37</sup> at step 1'
    """
    raised = _POWER.sub(lambda m: f"10<sup>{_signed(m[1])}</sup>", escape(text, quote=False))
    return _INDEX.sub(r"\1<sub>\2</sub>", raised)


def _signed(exponent: str) -> str:
    return exponent.replace("-", "−")


def for_markdown(text: str) -> str:
    """Return Markdown whose powers are formulas; the rest stays Markdown.

    >>> for_markdown("**10^-37**")
    '**$10^{-37}$**'
    """
    return _POWER.sub(lambda m: f"$10^{{{m[1]}}}$", text)
