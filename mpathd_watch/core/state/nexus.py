"""One I_T nexus: an iSCSI session, say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.tally import Tally
from mpathd_watch.core.model.vocabulary import Liveness, Suspicion, Transport, Word
from mpathd_watch.core.transports.row import Nexus
from mpathd_watch.immutable import immutable

ERROR_FRESH = 5.0
"""Seconds that may pass between an error and the look that finds its nexus down. The kernel reports the error first
and takes an iSCSI session down from a work queue (iscsi_conn_error_event() in drivers/scsi/scsi_transport_iscsi.c)."""


@immutable
class NexusError:
    """Why the kernel gave a nexus's connection up, and when it reported that."""

    reason: Word
    at: Instant


@immutable
class NexusState:
    """One nexus under its lasting label; it stays as ``missing`` while paths that used it are expected.

    ``status`` is the state that the kernel reports, ``liveness`` what it means. ``ever_up``: it has been seen carrying
    I/O; a new iSCSI session starts as FREE, the same word as "recovery expired". ``lost``: when it was seen to be down;
    ``None`` while it is not. ``down_since``: the same, or a later moment if it was not read for a while then: it may
    have been back in between. ``error``: the first reason that the kernel gave for the loss of its connection; those of
    the attempts to bring it back are only counted, in ``errors``.

    ``read``: when what ``facts`` hold was asked for, ``None`` if that is not known; ``heard``: the last proof of life
    that was ever read (both CLOCK_MONOTONIC seconds; a connection that is down has no TCP left to ask).
    ``suspicion``: why it is suspect though it carries I/O, and ``suspected`` since when. ``carried``: its interface and
    its address have been seen fit to carry it. ``announced_with``: what it shares with others that went with it, as its
    loss was announced. ``retransmits``: those of all its TCP connections.
    """

    label: str
    transport: Transport
    facts: Nexus
    status: Word
    liveness: Liveness
    ever_up: bool = False
    announced_lost: bool = False
    lost: Instant | None = None
    down_since: Instant | None = None
    error: NexusError | None = None
    errors: Mapping[Word, int] = field(default_factory=empty)
    read: float | None = field(default=None, compare=False)
    heard: float | None = field(default=None, compare=False)
    suspicion: Suspicion | None = None
    suspected: Instant | None = None
    carried: bool = False
    announced_with: str = ""
    retransmits: Tally = field(default=Tally(), compare=False)

    @property
    def present(self) -> bool:
        """Whether it exists now."""
        return self.liveness is not Liveness.GONE

    @property
    def silence(self) -> float | None:
        """Seconds without a sign of life when it was read last; ``None`` if that is not known."""
        if self.read is None or self.heard is None:
            return None
        return max(0.0, self.read - self.heard)

    @property
    def read_since_suspected(self) -> bool:
        """Whether ``heard`` is the last sign of life before it became suspect: silence is found by such a reading."""
        if self.suspicion is Suspicion.SILENCE or self.suspected is None:
            return True
        return self.read is not None and self.read >= self.suspected.monotonic

    @property
    def lost_to(self) -> Word | None:
        """The error that took the nexus, while it is lost and the kernel has reported it when it went."""
        if self.lost is None or self.error is None or self.lost.since(self.error.at) > ERROR_FRESH:
            return None
        return self.error.reason
