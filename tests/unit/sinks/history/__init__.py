"""Past outages as a table, a timeline and a plot."""
