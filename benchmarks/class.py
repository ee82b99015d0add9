"""A class at work: many sessions of the first page, each committing a setting every few seconds.

    python -m benchmarks.class                  # 100 students, five rounds; then 30 at once
    python -m benchmarks.class --find           # and at how many students p95 reaches 300 ms

A session is a WebSocket that says what a browser says: its messages are recorded from a real one
and sent again with another weight scale. A commit counts when the figure of the value that was
sent has arrived. The class begins when everyone has opened the page, 20 students a second. One
server process; the clients share its machine.
"""

import argparse
import asyncio
import os
import platform
import random
import statistics
import time
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlencode

import websockets
from playwright.sync_api import Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.serving import FLAGS, Served, chromium, served

RUNS = [
    {"cell": cell, "steps": str(steps)}
    for steps in (100, 200, 300)
    for cell in ("rnn", "rnn", "lstm")
]
"""What the students look at: a third of them an LSTM; H = 64, 8 sequences."""

PATIENCE = 15.0


class Said(NamedTuple):
    """What a browser sends to open a page, and to commit its slider."""

    opening: bytes
    commit: bytes


class Class(NamedTuple):
    """What became of a class: seconds of every commit that was answered, and of those that not."""

    taken: list[float]
    lost: int
    mb: float
    cpu: float

    def p95(self) -> float:
        """Return the 95th percentile in milliseconds, of those that were answered."""
        return 1e3 * statistics.quantiles(self.taken or [0.0, 0.0], n=20)[-1]


def recorded(lab: Served) -> dict[str, Said]:
    """Record a browser that opens each run and presses a key on the slider, by query."""
    found: dict[str, Said] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for query in sorted({urlencode(run) for run in RUNS}):
            page = browser.new_page()
            sent = _ears(page)
            page.goto(f"{lab.url}/?{query}")
            page.wait_for_selector("[data-run]")
            page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
            page.locator(".st-key-weight_scale input[type=range]").press("ArrowRight")
            page.wait_for_url("**weight_scale=1.01**")
            runs = [one for one in sent if _parsed(one).HasField("rerun_script")]
            found[query] = Said(runs[0], next(one for one in reversed(runs) if _slides(one)))
            page.close()
        browser.close()
    return found


def _ears(page: Page) -> list[bytes]:
    """Return a list that grows with every message of a page."""
    sent: list[bytes] = []

    def hear(frame: bytes) -> None:
        sent.append(frame)

    page.on("websocket", lambda socket: socket.on("framesent", hear))
    return sent


def _parsed(frame: bytes) -> BackMsg:
    message = BackMsg()
    if isinstance(frame, bytes):
        message.ParseFromString(frame)
    return message


def _slides(frame: bytes) -> bool:
    widgets = _parsed(frame).rerun_script.widget_states.widgets
    return any("weight_scale" in widget.id for widget in widgets)


def moved(commit: bytes, scale: float) -> bytes:
    """Return the message of a browser whose slider stands at `scale`."""
    message = _parsed(commit)
    for widget in message.rerun_script.widget_states.widgets:
        if widget.id.endswith("weight_scale"):
            widget.double_array_value.data[:] = [scale]
    return message.SerializeToString()


async def shown(socket: websockets.ClientConnection, scale: float | None) -> None:
    """Wait until the figure of `scale` (or any) has arrived."""
    sign = b'"run":"' if scale is None else f"weight_scale={scale}#".encode()
    async for frame in socket:
        message = ForwardMsg()
        message.ParseFromString(frame)
        element = message.delta.new_element
        if element.WhichOneof("type") == "bidi_component" and sign in element.bidi_component.bytes:
            return


async def finished(socket: websockets.ClientConnection) -> None:
    """Read until the run of the page has ended."""
    async for frame in socket:
        message = ForwardMsg()
        message.ParseFromString(frame)
        if message.HasField("script_finished"):
            return


async def student(
    lab: Served, said: Said, rounds: int, every: float, everyone: asyncio.Barrier
) -> list[float | None]:
    """Open a page; when everyone has, commit a setting every few seconds; return what each took."""
    address = f"ws://localhost:{lab.port}/_stcore/stream"
    taken: list[float | None] = []
    async with websockets.connect(
        address, subprotocols=["streamlit"], max_size=None, open_timeout=60
    ) as socket:
        await socket.send(said.opening)
        await asyncio.wait_for(finished(socket), 60)
        await everyone.wait()
        await asyncio.sleep(random.uniform(0.0, every))  # noqa: S311 - no secret
        # never one twice: Streamlit does not send again what a browser has had
        for hundredths in random.sample(range(102, 380), rounds):
            scale = hundredths / 100
            start = time.perf_counter()
            await socket.send(moved(said.commit, scale))
            taken.append(None)
            with suppress(TimeoutError):
                await asyncio.wait_for(shown(socket, scale), PATIENCE)
                taken[-1] = time.perf_counter() - start
                await asyncio.wait_for(finished(socket), PATIENCE)
            await asyncio.sleep(max(0.0, every - (time.perf_counter() - start)))
    return taken


async def at_work(lab: Served, said: dict[str, Said], students: int, rounds: int) -> Class:
    """Let a class work."""
    queries, everyone = [urlencode(run) for run in RUNS], asyncio.Barrier(students + 1)
    started = [
        asyncio.create_task(
            _later(0.05 * k, student(lab, said[queries[k % len(queries)]], rounds, 5.0, everyone))
        )
        for k in range(students)
    ]
    await everyone.wait()
    before = lab.cpu()
    every = [taken for one in await asyncio.gather(*started) for taken in one]
    spent = lab.cpu() - before
    answered = [taken for taken in every if taken is not None]
    return Class(answered, len(every) - len(answered), lab.rss(), spent / max(len(every), 1))


async def opening(lab: Served, said: dict[str, Said], students: int) -> list[float]:
    """Let students open the default page within two seconds; return the seconds each waited."""
    first = next(iter(said.values())).opening

    async def open_() -> float:
        start = time.perf_counter()
        address = f"ws://localhost:{lab.port}/_stcore/stream"
        async with websockets.connect(
            address, subprotocols=["streamlit"], max_size=None, open_timeout=60
        ) as socket:
            await socket.send(first)
            await asyncio.wait_for(shown(socket, None), 60)
            return time.perf_counter() - start

    return await asyncio.gather(*(_later(2.0 * k / students, open_()) for k in range(students)))


async def _later(seconds: float, what):  # noqa: ANN001, ANN202 - any coroutine
    await asyncio.sleep(seconds)
    return await what


def report(students: int, found: Class) -> None:
    """Print one line."""
    print(
        f"{students} students: median {1e3 * statistics.median(found.taken or [0.0]):.0f} ms, "
        f"p95 {found.p95():.0f} ms, {found.lost} of {len(found.taken) + found.lost} lost, "
        f"{found.mb:.0f} MB, {1e3 * found.cpu:.0f} ms of a core per commit, "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description="Let a class work with one server.")
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--find", action="store_true")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with served("app/main.py") as lab:
        said = recorded(lab)
        report(asked.students, asyncio.run(at_work(lab, said, asked.students, asked.rounds)))
        waits = asyncio.run(opening(lab, said, 30))
        print(f"30 open the page within 2 s: all see a picture, the last after {max(waits):.1f} s")
        if asked.find:
            for students in range(25, 501, 25):
                found = asyncio.run(at_work(lab, said, students, 2))
                report(students, found)
                if found.lost or found.p95() >= 300:
                    break


if __name__ == "__main__":
    main()
