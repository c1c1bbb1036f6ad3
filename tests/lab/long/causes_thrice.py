"""All the ways of `causes` in which a path fails, three times each, on either path in turn."""

from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import causes

SAN = causes.SAN
# After a login what the audit finds of the new session is news again.
ALERTS = causes.ALERTS | {"config_finding"}

TIMES = 3


def run(lab: Lab) -> None:
    numbers = (1, 2)
    for name in causes.KINDS:
        for time in range(TIMES):
            causes.fail(lab, name, numbers[time % 2])
