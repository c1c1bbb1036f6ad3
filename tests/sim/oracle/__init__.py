"""The oracle: it knows the world and not the core, and says where the product reports something else.

Its rules, by the letters of the violations that it reports:

(a) the health of a path is the truth within the documented delay for the kind of evidence (``health``);
(b) each outage longer than its detection limit is reported once, and none is invented (``outages``);
(c) once the world is well and quiet, everything is up and no alert stands (``peace``);
(d) of one cause people are woken at most three times, and once when it is over (``incidents``);
(e) in a healthy world nothing of priority warning or worse is logged (``peace``);
(f) counters never go down, and no timestamp lies in the future (``counters``);
(g) the work for an event is bounded (``cost``);
(h) over restarts and reboots outages go on, and nothing is announced twice or claimed too much (``restarts``).
"""
