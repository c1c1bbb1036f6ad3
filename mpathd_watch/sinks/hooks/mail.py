"""Mail over SMTP, for at most a minute each, whatever the server does."""

from __future__ import annotations

import contextlib
import errno
import smtplib
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.generator import BytesGenerator
from email.message import EmailMessage
from io import BytesIO
from typing import BinaryIO, Final, NamedTuple

from mpathd_watch.config.receivers import Mail, Server
from mpathd_watch.core.alerting.notices import Notice, Step
from mpathd_watch.core.alerting.pairs import Entry
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.hooks.letter import letter
from mpathd_watch.sinks.hooks.outcome import Outcome, Result

ANSWERS_WITHIN: Final = 15.0
"""Seconds that a server may take for one answer."""
SENT_WITHIN: Final = 60.0
"""Seconds that one mail may take altogether: a server may answer slowly, a byte at a time."""
MOST_READ: Final = 1 << 20
"""Bytes that a server may send during one mail."""
_LATER: Final = range(400, 500)
"""Codes that mean: not now. Greylisting is one of the reasons."""
_CLOSING: Final = 421
"""The server closes the connection: no mail gets through now."""


class _Answer(NamedTuple):
    code: int
    text: str

    @property
    def is_temporary(self) -> bool:
        return self.code in _LATER

    def __str__(self) -> str:
        return clean(f"{self.code} {' '.join(self.text.split())}")[:200]


class Mailer:
    """Sends mail from this ``host`` as the configuration says. To be used by one thread."""

    def __init__(self, mail: Mail, host: str) -> None:
        self._mail = mail
        self._host = host
        self._sender = mail.sender or f"mpathd-watch@{_greeting(host)}"
        self._accepted: dict[tuple[str, int], set[str]] = {}
        _load(mail.server)

    def deliver(self, notice: Notice) -> Outcome:
        """Send the mail about a notice to all who have not got it yet. May take ``SENT_WITHIN`` and a look-up."""
        name = (notice.thread, notice.number)
        accepted = self._accepted.pop(name, set())
        waiting = [each for each in self._mail.to if each not in accepted]
        try:
            refused = self._send(letter(notice, self._host, self._sender, self._mail.to), waiting)
        except (smtplib.SMTPConnectError, smtplib.SMTPHeloError) as error:
            outcome = self._answered(_answer(error.smtp_code, error.smtp_error))
            return self._deferred(name, accepted, replace(outcome, result=Result.DEFERRED, everything=True))
        except smtplib.SMTPResponseException as error:
            return self._deferred(name, accepted, self._answered(_answer(error.smtp_code, error.smtp_error)))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return self._deferred(name, accepted, self._unreachable(error))
        return self._deferred(name, accepted | (set(waiting) - refused.keys()), self._refused(refused))

    def _deferred(self, name: tuple[str, int], accepted: set[str], outcome: Outcome) -> Outcome:
        """The outcome. If there will be another attempt, those who have the mail do not get it again."""
        if outcome.result is Result.DEFERRED and accepted:
            self._accepted[name] = accepted
            while len(self._accepted) > 100:  # of mails that were given up
                del self._accepted[next(iter(self._accepted))]
        return outcome

    def _send(self, mail: EmailMessage, to: Sequence[str]) -> Mapping[str, _Answer]:
        """Send the mail. Returns who was refused. Raises what ``smtplib`` raises."""
        server = self._mail.server
        # Both names are given: otherwise smtplib looks up this host's name, and waits for a name server.
        client = _Client(local_hostname=_greeting(self._host), timeout=ANSWERS_WITHIN)
        until = time.monotonic() + SENT_WITHIN
        try:
            with _ended_after(SENT_WITHIN, client):
                code, text = client.connect(server.host, server.port)
                if time.monotonic() > until:  # the name has many addresses, of which none answered in time
                    raise TimeoutError
                if code != 220:
                    raise smtplib.SMTPConnectError(code, text)
                try:
                    refused = client.send_message(mail, self._sender, list(to))
                except smtplib.SMTPRecipientsRefused as error:
                    refused = error.recipients
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    client.quit()
        finally:
            client.close()
        return {address: _answer(*answer) for address, answer in refused.items()}

    def _answered(self, answer: _Answer) -> Outcome:
        if answer.is_temporary:
            return Outcome(
                Result.DEFERRED, f"{self._mail.server} does not accept it now: {answer}", answer.code == _CLOSING
            )
        return Outcome(
            Result.FAILED,
            f"{self._mail.server} refused it: {answer}. Check to, from and server of [mail], and the server's log",
        )

    def _unreachable(self, error: Exception) -> Outcome:
        server = self._mail.server
        if isinstance(error, UnicodeError):  # a label of the name is empty or too long
            return Outcome(Result.FAILED, f"{server} is no name of a host. Check server of [mail]")
        if isinstance(error, smtplib.SMTPNotSupportedError | ValueError):
            return Outcome(Result.FAILED, f"{server} can't take it: {clean(str(error))[:200]}")
        if isinstance(error, TimeoutError):
            reason = f"{server} does not answer"
        elif isinstance(error, smtplib.SMTPServerDisconnected):
            reason = f"{server} closed the connection, or took too long"
        elif isinstance(error, socket.gaierror):
            reason = f"the name {server.host} can't be looked up ({error.strerror})"
        elif isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
            reason = f"{server}: {error.strerror or type(error).__name__}"
        else:
            reason = f"{server}: {clean(str(error))[:200]}"
        advice = "Check that a mail server runs there, or set server of [mail]"
        return Outcome(Result.DEFERRED, f"{reason}. {advice}", everything=True)

    def _refused(self, refused: Mapping[str, _Answer]) -> Outcome:
        """The outcome where the server has taken the mail, but for those who are ``refused``."""
        if not refused:
            return Outcome(Result.OK)
        later = {address: answer for address, answer in refused.items() if answer.is_temporary}
        address, answer = next(iter((later or refused).items()))
        count = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        if later:
            return Outcome(Result.DEFERRED, f"{self._mail.server} does not accept {address}{count} now: {answer}")
        return Outcome(Result.FAILED, f"{self._mail.server} refused {address}{count}: {answer}. Check to of [mail]")


class _Client(smtplib.SMTP):
    """A client that does not read without end."""

    def getreply(self) -> tuple[int, bytes]:
        """The next answer. Raises ``OSError`` if the server has sent more than ``MOST_READ`` altogether."""
        if self.file is None and self.sock is not None:
            self.file = _Limited(self.sock.makefile("rb"), MOST_READ)
        return super().getreply()


class _Limited:
    """A file of which at most so many bytes are read."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._left = most

    def readline(self, most: int) -> bytes:
        """The next line."""
        line = self._file.readline(most)
        self._left -= len(line)
        if self._left < 0:
            raise OSError(errno.EMSGSIZE, "it sends too much")
        return line

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _answer(code: int, text: bytes | str) -> _Answer:
    return _Answer(code, text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))


def _greeting(host: str) -> str:
    """The host's name as EHLO takes it."""
    return "".join(c for c in host if c.isascii() and (c.isalnum() or c in "-.")) or "localhost"


@contextmanager
def _ended_after(seconds: float, client: smtplib.SMTP) -> Iterator[None]:
    """End the client's connection if the block takes longer than that: what waits for an answer fails then."""

    def end() -> None:
        connection = client.sock
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _load(server: Server) -> None:
    """Have loaded what the first mail needs: once the daemon runs, it must not read its program from a disk."""
    entry = Entry("", Priority.WARNING, "ä" * 200, {})
    made = letter(Notice(Step.ALERT, entry, Instant(0.0, 0.0), ""), "host", "sender@host", ["root"])
    BytesGenerator(BytesIO(), policy=made.policy).flatten(made)
    with contextlib.suppress(UnicodeError):
        server.host.encode("idna")
