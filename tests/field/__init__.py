"""Field cases: situations that people reported in public, rebuilt as input, with the right answers.

A case is a test with the mark ``field``: a title, and the source (a thread as ``OWNER/REPOSITORY#NUMBER``, a vendor's
document, or a published configuration). It builds a host (``host``), asks the product (``product``: ``check``,
``status`` or the daemon), and claims what must be, and what must not be, in the answer. Names and addresses are
replaced, figures are kept.

The host is a directory with ``sys``, ``run``, ``etc``, ``var`` and ``proc``; its network and its multipathd answer from
what the case says. Nothing of the machine that runs the tests is read, and no privilege is needed: the command line
runs in this process, and only its three ways to ask the kernel and multipathd are redirected.

``test_quiet`` is the other half: on sound hosts of every kind the product has nothing to report.
"""
