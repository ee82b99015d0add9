"""A cable between browser and server that a test can pull, plug in again, or let lose bytes."""

import socket
from contextlib import suppress
from threading import Lock, Thread


class Cable:
    """Carries bytes from a port of its own to a server.

    `cut` ends every connection at once. `lose` keeps them open and drops what is sent, as a radio
    out of range does: neither side knows.
    """

    def __init__(self, port: int):
        self._to = port
        self._lock = Lock()
        self._is_whole = True
        self._is_losing = False
        self._ends: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.host = f"localhost:{self._door.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def lose(self) -> None:
        self._is_losing = True

    def cut(self) -> None:
        with self._lock:
            self._is_whole, self._is_losing = False, False
            ends, self._ends = self._ends, set()
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        with self._lock:
            self._is_whole = True

    def close(self) -> None:
        self.cut()
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the door is closed
            while True:
                near, _ = self._door.accept()
                Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self._to)) as far:
            with self._lock:
                if not self._is_whole:
                    return
                self._ends |= {near, far}
            back = Thread(target=self._carry, args=(far, near), daemon=True)
            back.start()
            self._carry(near, far)
            back.join()
            with self._lock:
                self._ends -= {near, far}

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                if not self._is_losing:
                    there.sendall(data)
        with suppress(OSError):
            there.shutdown(socket.SHUT_WR)
