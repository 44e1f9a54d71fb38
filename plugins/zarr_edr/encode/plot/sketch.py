"""Coverages become a sketch: which panels, with which words. What a picture leaves out, its notes say.

| along | drawn as |
|---|---|
| nothing | values in words; members or places as points over their number or name |
| time | curves; an ensemble as thin curves and their mean |
| levels | profiles, pressures and depths downward |
| longitude or latitude | transect |
| vertices of a trajectory | curve over time, distance or number of the vertex |
| longitude and latitude | a map for each time, level and member, up to 12 in all |
| time and levels, time and longitude or latitude | Hovmoeller diagram |
| levels and longitude, latitude or vertices | vertical section |
| points | a map of coloured points |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zarr_edr.coverage import CoverageSet, Times
from zarr_edr.encode.plot import text
from zarr_edr.encode.plot.choose import Chosen, choose
from zarr_edr.encode.plot.fields import dots_panels, field_panels
from zarr_edr.encode.plot.lines import Facets, common, lines_panel, words_panel
from zarr_edr.encode.plot.model import Panel, Sketch
from zarr_edr.encode.plot.slots import DOTS, Along

_FORMS: Mapping[Along, str] = {
    (): "Value",
    ("t",): "Time series",
    ("z",): "Vertical profile",
    ("x",): "Values by longitude",
    ("y",): "Values by latitude",
    ("composite",): "Values along the path",
    ("y", "x"): "Map",
    DOTS: "Values at points",
    ("z", "t"): "Levels by time",
    ("t", "x"): "Time by longitude",
    ("y", "t"): "Latitude by time",
    ("z", "x"): "Vertical section",
    ("z", "y"): "Vertical section",
    ("z", "composite"): "Vertical section along the path",
}
_MAX_NOTES = 4
_NOTE_CHARS = 150


def sketch(of: CoverageSet) -> Sketch:
    """What to show of an answer. Costs a look at the values that are shown; nothing here draws."""
    shown, notes = choose(of)
    told = common([facets for chosen in shown for facets in chosen.facets])
    panels: list[Panel] = []
    alone = [c for c in shown if not c.along and len(c.slots) == 1]
    if alone:
        panels.append(words_panel(alone))
    several = len({chosen.parameter.name for chosen in shown}) > 1
    for chosen in (c for c in shown if c not in alone):
        found, words = _panels(chosen, of, told, len(shown), named=several)
        panels += found
        notes += [*chosen.notes, *words]
    kept = list(dict.fromkeys(text.plain(note, _NOTE_CHARS) for note in notes))
    return Sketch(_title(shown), _subtitle(shown, told), tuple(panels), tuple(kept[:_MAX_NOTES]), _source(of))


def _panels(
    chosen: Chosen, of: CoverageSet, told: Facets, count: int, *, named: bool
) -> tuple[Sequence[Panel], list[str]]:
    if chosen.along == DOTS:
        return dots_panels(chosen, of, told, named=named)
    if chosen.is_field:
        return field_panels(chosen, of, told, named=named)
    panel, notes = lines_panel(chosen, of, told, count)
    return [panel], notes


def _title(shown: Sequence[Chosen]) -> str:
    """The parameters: with its unit where it is one."""
    parameters = {chosen.parameter.name: chosen.parameter for chosen in shown}
    if len(parameters) == 1:
        return text.plain(text.parameter_text(shown[0].parameter), text.TITLE_CHARS)
    return text.plain(", ".join(text.plain(p.title, 40) for p in parameters.values()), text.TITLE_CHARS)


def _subtitle(shown: Sequence[Chosen], told: Facets) -> str:
    """What kind of picture, where and when."""
    forms = " and ".join(dict.fromkeys(_FORMS[chosen.along] for chosen in shown))
    parts = [forms[:1] + forms[1:].lower(), *told.values()]
    period = _period(shown[0])
    return text.plain(", ".join([*parts, period] if period else parts), text.TITLE_CHARS + 30)


def _period(chosen: Chosen) -> str:
    """First and last time, where they are along an axis."""
    times = chosen.slots[0].coverage.axes.get("t")
    if "t" not in chosen.along or not isinstance(times, Times):
        return ""
    first, last = (text.time_text(times.axis.iso[int(times.index[k])]) for k in (0, -1))
    return f"{first} to {last} UTC"


def _source(of: CoverageSet) -> str:
    return text.plain(of.endpoint, 120)
