"""Read a Dockerfile: its instructions, and what its variables and paths are in another root."""

import json
import re
import shlex


def instructions(text: str) -> list[tuple[str, str]]:
    """Return (word, rest) per instruction, comments dropped and continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest) for word, rest in pairs]


def only(steps: list[tuple[str, str]], word: str) -> str:
    """Return what follows the one instruction of this name."""
    (rest,) = [rest for name, rest in steps if name == word]
    return rest


def exec_form(rest: str) -> list[str]:
    """Return the arguments of a JSON command, behind its flags and CMD where it has them."""
    return json.loads(rest[rest.index("[") :])


def variables(rest: str, known: dict[str, str]) -> dict[str, str]:
    """Return what an ENV instruction sets, with $NAME and ${NAME} filled in from `known`."""
    pairs = (word.split("=", 1) for word in shlex.split(rest))
    return {name: _filled(value, known) for name, value in pairs}


def _filled(value: str, known: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: known[match[1]], value)


def moved(text: str, root: str, folders: tuple[str, ...]) -> str:
    """Return the text with each of these absolute folders, where a path begins, below `root`."""
    names = "|".join(map(re.escape, folders))
    return re.sub(rf"(?<![\w./$}}-])({names})(?![\w.-])", rf"{root}\1", text)
