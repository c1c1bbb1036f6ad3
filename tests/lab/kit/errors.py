"""Exceptions of the lab."""


class LabError(Exception):
    """The lab itself can't go on: a missing tool, a guest that does not boot, a command that failed in the guest."""


class CommandError(LabError):
    """A command in the guest ended with a non-zero exit status."""

    def __init__(self, command: str, status: int, stdout: str, stderr: str) -> None:
        super().__init__(f"exit {status} from: {command}\n{stderr.strip() or stdout.strip()}")
        self.command = command
        self.status = status
        self.stdout = stdout
        self.stderr = stderr


class WaitTimeoutError(LabError):
    """A condition a scenario waited for did not come true in time."""
