"""How a request to multipathd fails: there is no reply (``MultipathdError``) or a useless one (``BadReply``)."""

from __future__ import annotations

_HELP_HEADING = "CLI commands reference:"
_QUOTED = 120


class MultipathdError(Exception):
    """There is no reply.

    ``reason`` is a short word for a label: ``not_running``, ``hidden`` (it is not known whether it runs), ``refused``,
    ``not_root``, ``no_permission``, ``busy``, ``timeout``, ``closed``, ``bad_length`` or ``io_error``. ``detail`` is
    one sentence with the remedy.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class BadReply(Exception):  # noqa: N818  # named for what is bad: the reply
    """The reply is an error message, truncated, or in no known format.

    ``reason`` is a short word for a label: ``timeout``, ``fail``, ``no_permission``, ``bad_command``, ``empty``,
    ``truncated``, ``bad_json`` or ``unintelligible``. ``detail`` is one sentence.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def refuse_error_text(text: str) -> None:
    r"""Raise ``BadReply`` if ``text`` is one of multipathd's error messages.

    multipathd/uxlsnr.c: up to 0.9.7 the bare words ``timeout``, ``fail`` or ``permission deny: need to be root``; since
    0.9.8 the line ``fail`` and then the detail. The reply to an unknown command is the help text (multipathd/cli.c).
    """
    lines = [line.strip() for line in text[:4096].split("\n")]
    if _HELP_HEADING in lines[:6]:
        detail = "multipathd does not know the command and sent its help text; multipath-tools may be older than 0.9.4."
        raise BadReply("bad_command", detail)
    message = next((line for line in lines if line and line != "fail"), "") if lines[0] == "fail" else lines[0]
    if message == "timeout":
        detail = "multipathd could not get its own lock in time: it is checking paths or reconfiguring."
        raise BadReply("timeout", detail)
    if message.startswith("permission deny"):
        raise BadReply("no_permission", f"multipathd refused the command to a user other than root: {quote(message)}.")
    if lines[0] == "fail":
        detail = (
            "a map or path may have been removed during the listing; if this persists, see 'journalctl -u multipathd'"
        )
        raise BadReply("fail", f"multipathd answered {quote(('fail ' + message).strip())}: {detail}.")


def quote(text: str) -> str:
    """The beginning of ``text`` in quotes, with each control character escaped."""
    return ascii(text if len(text) <= _QUOTED else text[:_QUOTED] + "...")
