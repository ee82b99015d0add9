"""What a page says about a run: pure functions of a recording; every number is measured."""

from app.sentences.check import check
from app.sentences.claim import claim
from app.sentences.equation import equation
from app.sentences.notice import alt_text, notice
from app.sentences.protocol import protocol

__all__ = ["alt_text", "check", "claim", "equation", "notice", "protocol"]
