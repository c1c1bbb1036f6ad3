"""How the daemon's sources turn the world into events: with their paces, delays, losses and failures.

They are models of ``mpathd_watch/sources``. A poll that would find nothing new is skipped; what it would have found is
computed from the world.
"""
