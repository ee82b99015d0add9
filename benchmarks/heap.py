"""What a page's JavaScript heap holds: what the page keeps, and code that the browser compiled.

The browser compiles what runs often, again where types change, and drops what has not run for a
while: hundreds of kB come and go, and none of that is kept by a page.
"""

import json
from typing import Any, Final, NamedTuple

from playwright.sync_api import CDPSession

CODE: Final = ("code", "hidden", "object shape")
"""Kinds of nodes that the engine makes for itself."""

OUTSIDE: Final = ("native", "synthetic")
"""Kinds that are not in this heap: nodes of the document, and what the developer tools record."""


class Heap(NamedTuple):
    """Sizes in kB, after forced collection."""

    whole: float
    code: float
    kept: float


def weigh(session: CDPSession) -> Heap:
    """Collect garbage, then weigh the heap and its parts."""
    session.send("HeapProfiler.collectGarbage")
    whole = session.send("Runtime.getHeapUsage")["usedSize"]
    sizes = _sizes(session)
    code = sum(sizes.get(kind, 0) for kind in CODE)
    kept = sum(size for kind, size in sizes.items() if kind not in (*CODE, *OUTSIDE))
    return Heap(whole / 1e3, code / 1e3, kept / 1e3)


def _sizes(session: CDPSession) -> dict[str, int]:
    """Return the bytes of every kind of node in a snapshot of the heap."""
    chunks: list[str] = []

    def hear(event: dict[str, Any]) -> None:
        chunks.append(event["chunk"])

    session.on("HeapProfiler.addHeapSnapshotChunk", hear)
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    session.remove_listener("HeapProfiler.addHeapSnapshotChunk", hear)
    found = json.loads("".join(chunks))
    meta, nodes = found["snapshot"]["meta"], found["nodes"]
    fields, kinds = meta["node_fields"], meta["node_types"][0]
    sizes: dict[str, int] = {}
    rows = zip(
        nodes[fields.index("type") :: len(fields)],
        nodes[fields.index("self_size") :: len(fields)],
        strict=True,
    )
    for kind, size in rows:
        sizes[kinds[kind]] = sizes.get(kinds[kind], 0) + size
    return sizes
