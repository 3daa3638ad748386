"""Opening sessions: the user's own and shared ones; of a damaged one what can still be read.

A damaged file is never written to. What is read from it goes into a new session.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from galaxyscope.records.salvage import salvage
from galaxyscope.records.schema import DamagedSessionError, ForeignFileError, SessionError
from galaxyscope.records.store import Session

KEPT_IN_MEMORY = "measurements are kept in memory and written as soon as that is possible"


def open_own(path: Path) -> tuple[Session, str]:
    """Open the session of this user.

    A damaged file is renamed, never overwritten, and a new one begun with the rows that can
    still be read. Where nothing can be written the session begins in memory.

    Returns
    -------
    session : Session
    note : str
        One sentence for the user if there is something to say, else empty.

    Raises
    ------
    SessionError
        If it was written by a newer GalaxyScope, or a damaged file cannot be renamed.
    """
    try:
        session = Session(path, patient=True)
    except DamagedSessionError as damage:
        aside = _set_aside(path, damage)
        session = Session(path, patient=True)
        kept = f"it is kept as {aside.name} and a new session begun"
        return session, f"{damage}; {kept}{_recovered(aside, session)}"
    return session, f"{session.trouble}; {KEPT_IN_MEMORY}" if session.trouble else ""


def open_shared(path: Path) -> tuple[Session, str]:
    """Open a session that the user has named.

    Of a damaged file a copy with all that can be read is made beside it and opened.

    Returns
    -------
    session : Session
    note : str
        One sentence for the user if there is something to say, else empty.

    Raises
    ------
    SessionError
        If there is no such file, it is no session, nothing of it can be read, or it was
        written by a newer GalaxyScope.
    """
    if not path.is_file():
        why = "is no file" if path.exists() else "there is no such file"
        raise SessionError(f"{path.name}: {why}")
    if not path.stat().st_size:
        raise SessionError(f"{path.name}: the file is empty")
    try:
        session = Session(path, patient=True)
    except ForeignFileError:
        raise
    except DamagedSessionError as damage:
        number = 1
        while (beside := path.with_stem(f"{path.stem}-recovered-{number}")).exists():
            number += 1
        session = Session(beside, patient=True)
        said = _recovered(path, session)
        if not session.records() and not session.files():
            session.close()
            if beside.exists():
                beside.unlink()
            raise DamagedSessionError(f"{damage}; nothing in it can be read") from damage
        return session, f"{damage}; it stays as it is, you now work in {beside.name}{said}"
    return session, f"{session.trouble}; {KEPT_IN_MEMORY}" if session.trouble else ""


def _recovered(damaged: Path, session: Session) -> str:
    rows = salvage(damaged, session)
    return f" with the {rows} {'row' if rows == 1 else 'rows'} that can be read" if rows else ""


def _set_aside(path: Path, damage: DamagedSessionError) -> Path:
    stamp, number = datetime.now(UTC).strftime("%Y%m%dT%H%M%S"), 0
    while (aside := path.with_name(f"{path.name}.damaged-{stamp}-{number}")).exists():
        number += 1
    try:
        # The log belongs to its database: a new file must not find the old one's.
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise SessionError(f"{damage}; it cannot be renamed ({error.strerror})") from error
    return aside
