"""The dashboards as Grafana's JSON, by its own library, grafana-foundation-sdk: no other module imports it.

The version of the library is the one for Grafana 10.1: Grafana converts older dashboards, and not newer ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from string import ascii_uppercase
from typing import Any, Final, TypeAlias

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from tools.dashboards.model import RUNBOOKS, Column, Dashboard, Kind, Panel, Variable, Words

_SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_TAG: Final = "mpathd-watch"
_ALL: Final = ".*"
"""What stands for all values: it matches an absent label, too."""
_NO_LIMIT: Final = "text"
"""Grafana's name of the text's own colour."""

_Builder: TypeAlias = stat.Panel | timeseries.Panel | statetimeline.Panel | table.Panel


def written(content: Dashboard) -> str:
    """The dashboard's file."""
    return json.dumps(_dashboard(content).build(), cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _dashboard(content: Dashboard) -> dashboard.Dashboard:
    numbers = count(1)
    built = (
        dashboard.Dashboard(content.title)
        .uid(content.uid)
        .description(content.description)
        .tags([_TAG])
        .timezone("browser")
        .time(content.since, "now")
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .editable()
        .annotations([])
        .link(
            dashboard.DashboardLink("Multipath")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([_TAG])
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Data source")
            .description("The Prometheus that scrapes mpathd-watch and has its rules.")
            .type("prometheus")
        )
        .with_variable(
            dashboard.ConstantVariable("runbooks")
            .label("Runbooks")
            .description("Where the runbooks are: where you serve the file of the package.")
            .value(RUNBOOKS)
        )
    )
    for variable in content.variables:
        built.with_variable(_variable(variable))
    for row in content.rows:
        built.with_row(dashboard.Row(row.title).id(next(numbers)))
        for panel in row.panels:
            built.with_panel(_panel(panel, next(numbers)))
    return built


def _variable(variable: Variable) -> dashboard.QueryVariable:
    built = (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .description(variable.description)
        .datasource(_SOURCE)
        .query({"qryType": 1, "query": variable.query, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )
    if variable.several:
        built.multi(multi=True).include_all(include_all=True).all_value(_ALL)
        built.current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    return built


def _panel(panel: Panel, number: int) -> _Builder:
    built: _Builder = _MADE[panel.kind](panel)
    built.id(number).title(panel.title).description(panel.description).datasource(_SOURCE)
    built.unit(panel.unit.value).span(panel.width).height(panel.height)
    built.links(
        [dashboard.DashboardLink(f"Runbook: {panel.runbook}").url(runbook(panel)).target_blank(target_blank=True)]
    )
    if panel.words:
        built.mappings(_mappings(panel.words))
    if panel.empty:
        built.no_value(panel.empty)
    if panel.decimals is not None:
        built.decimals(panel.decimals)
    for letter, query in zip(ascii_uppercase, panel.queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).ref_id(letter).datasource(_SOURCE)
        if panel.kind in (Kind.NUMBER, Kind.TABLE):
            target.instant()
        else:
            target.range()
        if panel.kind is Kind.TABLE:
            target.format(prometheus_models.PromQueryFormat.TABLE)
        if query.legend:
            target.legend_format(query.legend)
        built.with_target(target)
    return built


def runbook(panel: Panel) -> str:
    """The address of the panel's section in the runbooks."""
    return f"${{runbooks}}#{panel.runbook.lower().replace(' ', '-')}"


def _number(panel: Panel) -> stat.Panel:
    steps = [models.Threshold(value=None, color="green" if panel.limits else _NO_LIMIT)]
    steps += [models.Threshold(value=value, color=colour) for colour, value in panel.limits.items()]
    return (
        stat.Panel()
        .thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .text_mode(common_models.BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _lines(panel: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
        .line_width(1)
        .fill_opacity(30 if panel.stacked else 5)
        .axis_soft_min(0)
    )
    if panel.stacked:
        built.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    return built


def _states(panel: Panel) -> statetimeline.Panel:
    built = (
        statetimeline.Panel()
        .legend(_legend())
        .show_value(common_models.VisibilityMode.AUTO)
        .merge_values(merge_values=True)
        .row_height(0.9)
        .fill_opacity(80)
        .line_width(0)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    )
    if panel.link:
        built.data_links([dashboard.DashboardLink("Open").url(panel.link)])
    return built


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )


def _table(panel: Panel) -> table.Panel:
    values = [_value(letter, panel) for letter, _ in zip(ascii_uppercase, panel.queries, strict=False)]
    names = [
        _value(column.source, panel) if column.source in ascii_uppercase else column.source for column in panel.columns
    ]
    built = (
        table.Panel()
        .show_header(show_header=True)
        .with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            models.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": dict.fromkeys(["Time", *(each for each in values if each not in names)], True),
                    "indexByName": {name: index for index, name in enumerate(names)},
                    "renameByName": {name: column.title for name, column in zip(names, panel.columns, strict=True)},
                },
            )
        )
    )
    for column in panel.columns:
        if properties := list(_properties(column)):
            built.override_by_name(column.title, properties)
    return built


def _value(letter: str, panel: Panel) -> str:
    """What Grafana calls the value of a query in a table."""
    return "Value" if len(panel.queries) == 1 else f"Value #{letter}"


def _properties(column: Column) -> Iterator[models.DynamicConfigValue]:
    if column.unit is not None:
        yield models.DynamicConfigValue("unit", column.unit.value)
    if column.words:
        yield models.DynamicConfigValue("mappings", _mappings(column.words))
        yield models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
    if column.link:
        yield models.DynamicConfigValue("links", [{"title": "Open", "url": column.link}])


def _mappings(words: Words) -> list[Any]:
    options = {
        str(number): models.ValueMappingResult(text=word.text, color=word.colour, index=index)
        for index, (number, word) in enumerate(words.items())
    }
    return [models.ValueMap(options=options)]


_MADE: Final[Mapping[Kind, Any]] = {
    Kind.NUMBER: _number,
    Kind.LINES: _lines,
    Kind.STATES: _states,
    Kind.TABLE: _table,
}
