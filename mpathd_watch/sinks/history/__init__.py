"""Past outages for people: a table, one outage as a timeline, a plot; and the same as JSON."""
