"""The recording of the event stream: its lines, and the events in them."""
