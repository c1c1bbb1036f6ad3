"""The pure core: what is known, what it means and what follows. No I/O, no clock, no threads.

``step.step(state, event, now)`` folds one event of a source into the state and returns the effects the sinks carry out.
"""
