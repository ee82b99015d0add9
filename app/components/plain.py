"""Text as it is: Streamlit reads Markdown, and an address must not place a picture on the page."""

import re
from typing import Final

_MARKS: Final = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    r"""Return Markdown that shows `text` as it is.

    >>> plain("![x](http://example.org/x.png)")
    '\\!\\[x\\]\\(http\\:\\/\\/example\\.org\\/x\\.png\\)'
    """
    return _MARKS.sub(r"\\\1", text)
