"""Passwords: what a header holds, what is kept, and that no library is needed without users."""

from __future__ import annotations

import asyncio
import base64
import threading

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.config.web.model import WebConfigError
from mpathd_watch.sinks.http import passwords
from mpathd_watch.sinks.http.passwords import KEPT, Credentials, Passwords, check_library, credentials

HASH = bcrypt.hashpw(b"geheimnis", bcrypt.gensalt(4)).decode()
USERS = {"ann": HASH, "bob": bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()}


def checked(users: dict[str, str], *given: Credentials) -> tuple[Passwords, list[bool]]:
    """What is checked in one loop, and by whom."""

    async def check() -> tuple[Passwords, list[bool]]:
        made = Passwords()
        results = [await made.check(users, each) for each in given]
        made.stop()
        return made, results

    return asyncio.run(check())


def test_a_password_is_compared_with_the_hash_of_its_user() -> None:
    _, results = checked(
        USERS,
        *(Credentials("ann", b"geheimnis"), Credentials("bob", b"geheimnis"), Credentials("eve", b"geheimnis")),
        *(Credentials("ann", b"geheimnis\0"), Credentials("ann", b"geheimni"), Credentials("ann", b"")),
    )
    assert results == [True, False, False, False, False, False]


def test_nul_is_not_taken_for_another_character() -> None:
    hashed = bcrypt.hashpw(b"a\nb", bcrypt.gensalt(4)).decode()
    _, results = checked({"ann": hashed}, Credentials("ann", b"a\nb"), Credentials("ann", b"a\0b"))
    assert results == [True, False]


def test_results_are_kept_under_digests_without_the_password() -> None:
    good, wrong = Credentials("ann", b"geheimnis"), Credentials("ann", b"falsch")
    made, _ = checked(USERS, good, wrong)
    assert (made.known(USERS, good), made.known(USERS, wrong)) == (True, False)
    assert made.known(USERS, Credentials("ann", b"new")) is None
    shown = repr({name: value for name, value in vars(made).items() if name != "_key"})
    assert "geheimnis" not in shown
    assert "falsch" not in shown
    # The digest has a key of its own in each process: nobody can look a password up by it.
    again, _ = checked(USERS, good)
    assert not made._good.keys() & again._good.keys()
    # Another hash is another question.
    assert made.known({**USERS, "ann": USERS["bob"]}, good) is None


def test_parts_are_not_confused() -> None:
    made, _ = checked(USERS, Credentials("ann", b"geheimnis"))
    assert made.known({"annx": HASH, "ann": HASH}, Credentials("an", b"ngeheimnis")) is None


def test_wrong_passwords_drive_out_no_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_matches", lambda password, _: password == b"geheimnis")
    good = Credentials("ann", b"geheimnis")
    many = [Credentials("ann", f"guess {number}".encode()) for number in range(KEPT + 10)]
    made, _ = checked(USERS, good, *many)
    assert made.known(USERS, good)
    assert made.known(USERS, many[0]) is None
    assert made.known(USERS, many[-1]) is False
    assert len(made._wrong) == KEPT


def test_the_thread_ends() -> None:
    checked(USERS, Credentials("ann", b"geheimnis"))
    for thread in threading.enumerate():
        if thread.name == "bcrypt":
            thread.join(5)
            assert not thread.is_alive()


@given(st.text().filter(lambda name: ":" not in name), st.binary())
@settings(deadline=None)
def test_every_name_and_password_is_read_as_it_was_sent(user: str, password: bytes) -> None:
    encoded = base64.b64encode(user.encode("utf-8", "surrogatepass") + b":" + password).decode()
    found = credentials(f"Basic {encoded}")
    assert found == Credentials(user, password)


@given(st.text())
@settings(deadline=None)
def test_no_header_is_an_error(header: str) -> None:
    for each in (header, f"Basic {header}"):
        found = credentials(each)
        assert found is None or ":" not in found.user


def test_a_missing_library_is_named_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "bcrypt", None)
    check_library({})
    with pytest.raises(WebConfigError, match=r"^basic_auth_users needs .* Debian's package python3-bcrypt, or "):
        check_library(USERS)
