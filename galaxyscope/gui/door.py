"""The local socket at which the window hears of files that a second start was given."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from galaxyscope.gui.instance import LIMIT, Message, MessageError, Place, decode, encode

PATIENCE_S = 5.0
# How long a caller may take to say what it wants.
HEARING_MS = 3000
MOST_CALLERS = 8
DONE, REFUSED = b"done\n", b"refused\n"


def call(place: Place, message: Message, patience_s: float = PATIENCE_S) -> bool:
    """Hand a message to the window that is there, also if it is just being made.

    Returns
    -------
    bool
        False if nobody has taken it in time.
    """
    data = encode(message)
    if len(data) > LIMIT:
        return False
    deadline = time.monotonic() + patience_s

    def left_ms() -> int:
        return max(1, int(1000 * (deadline - time.monotonic())))

    while time.monotonic() < deadline:
        socket = QLocalSocket()
        socket.connectToServer(place.socket)
        if not socket.waitForConnected(left_ms()):
            time.sleep(0.05)
            continue
        socket.write(data)
        while socket.bytesToWrite() and socket.waitForBytesWritten(left_ms()):
            pass
        while not socket.canReadLine() and socket.waitForReadyRead(left_ms()):
            pass
        return bytes(socket.readLine().data()) == DONE
    return False


class Door(QObject):
    """Hears who calls the window that is there; made on the GUI thread.

    Parameters
    ----------
    place : Place
        Its lock must be held: what is left of a socket there belongs to nobody.
    parent : QObject

    Signals
    -------
    called : Message
    """

    called = Signal(object)

    def __init__(self, place: Place, parent: QObject) -> None:
        super().__init__(parent)
        self._callers = 0
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._hear)
        QLocalServer.removeServer(place.socket)
        self.is_open = self._server.listen(place.socket)

    def close(self) -> None:
        """Hear nobody any more."""
        self._server.close()

    def _hear(self) -> None:
        while (caller := self._server.nextPendingConnection()) is not None:
            if self._callers >= MOST_CALLERS:
                caller.abort()
                caller.deleteLater()
                continue
            self._callers += 1
            caller.setReadBufferSize(LIMIT + 1)
            # The timer goes with its socket.
            hearing = QTimer(caller, singleShot=True, interval=HEARING_MS)
            hearing.timeout.connect(lambda caller=caller: caller.abort())
            hearing.start()
            caller.readyRead.connect(lambda caller=caller: self._read(caller))
            caller.disconnected.connect(lambda caller=caller: self._forget(caller))
            self._read(caller)

    def _read(self, caller: QLocalSocket) -> None:
        if not caller.canReadLine():
            if caller.bytesAvailable() > LIMIT:
                caller.abort()
            return
        try:
            message = decode(bytes(caller.readLine().data()))
        except MessageError:
            message = None
        caller.write(REFUSED if message is None else DONE)
        caller.flush()
        caller.disconnectFromServer()
        if message is not None:
            self.called.emit(message)

    def _forget(self, caller: QLocalSocket) -> None:
        self._callers -= 1
        caller.deleteLater()
