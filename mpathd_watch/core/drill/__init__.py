"""A drill: a failover that the administrator causes on purpose, followed and measured.

``plan`` says what would be lost, whether that is safe now, and what the timeouts in force promise. ``following`` is
what has happened since, and ``result`` compares it with what was promised. Nothing here causes anything.
"""
