"""The daemon: wires sources, core and sinks together in one asyncio loop that owns the state."""
