"""The dashboards for Grafana: what they show, and how their JSON is made.

``fleet``, ``host`` and ``map`` say what is on each dashboard, in the records of ``model``. ``grafana`` alone uses
Grafana's library, and makes JSON of them. ``agreement`` checks that the JSON agrees with the metrics, the rules and the
runbooks.
"""
