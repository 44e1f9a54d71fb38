"""Random stores and random position queries on them, for property tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import cftime
import numpy as np
from hypothesis import strategies as st

from zarr_edr.query.geometry import Points
from zarr_edr.query.model import (
    Duration,
    Instant,
    Level,
    LevelInterval,
    Moment,
    PositionQuery,
    Precision,
    RepeatingInterval,
    TimeInterval,
    TimeSelector,
    VerticalSelector,
)
from zarr_edr.testing.oracle_axes import start_of
from zarr_edr.testing.stores import LAT, LEVEL, LON, NUMBER, TIME, AxisSpec, StoreSpec, VariableSpec

Draw = Callable[[st.SearchStrategy[Any]], Any]

_CALENDARS = ("standard", "proleptic_gregorian", "noleap", "360_day")
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_NAMES = ("t2m", "wind speed", "é.1")


def _monotonic(draw: Draw, start: float, n: int, steps: tuple[float, ...]) -> list[float]:
    """Ascending from `start`; evenly spaced half of the time."""
    if draw(st.booleans()):
        chosen = [draw(st.sampled_from(steps))] * (n - 1)
    else:
        chosen = [draw(st.sampled_from(steps)) for _ in range(n - 1)]
    return list(itertools.accumulate(chosen, initial=start))


_EXACT_STEPS = (0.25, 0.5, 1.0, 1.25, 2.5, 5.0)


@st.composite
def _longitudes(draw: Draw, exact: bool) -> list[float]:
    """From west to east, without a jump; within -180..360, or beyond where the axis crosses a seam."""
    n = draw(st.integers(2, 7))
    kind = draw(st.sampled_from(["global 0", "global -180", "cyclic", "regional", "greenwich", "antimeridian"]))
    if kind.startswith("global") or kind == "cyclic":
        n = draw(st.sampled_from((4, 5, 6, 8) if exact else (7, 11)))
        step = 360.0 / n
        start = draw(st.sampled_from((0.0, step / 2))) + (-180.0 if kind == "global -180" else 0.0)
        return [start + k * step for k in range(n + (kind == "cyclic"))]
    start = {"regional": draw(st.sampled_from((-20.0, 3.0, 100.5))), "greenwich": 357.5, "antimeridian": 177.5}[kind]
    if not exact:
        return [start + 0.05 + 0.1 * k for k in range(n)]
    return _monotonic(draw, start, n, _EXACT_STEPS)


@st.composite
def _latitudes(draw: Draw, exact: bool) -> list[float]:
    """From south to north."""
    kind = draw(st.sampled_from(["poles", "global", "regional", "arctic", "near pole"]))
    n = draw(st.integers(2, 6))
    if kind == "poles":
        n = draw(st.sampled_from((3, 5, 7)))
        return [-90.0 + k * 180.0 / (n - 1) for k in range(n)]
    if kind == "global":
        n = draw(st.sampled_from((2, 4, 6) if exact else (7, 11)))
        return [-90.0 + (k + 0.5) * 180.0 / n for k in range(n)]
    if kind == "arctic":
        return [90.0 - value for value in reversed(_monotonic(draw, 0.0, n, _EXACT_STEPS))]
    if kind == "near pole":  # half a cell beyond the last centre would be beyond the pole
        return [-89.75 + value for value in _monotonic(draw, 0.0, n, (1.0, 2.5))]
    if not exact:
        return [49.95 + 0.1 * k for k in range(n)]
    return _monotonic(draw, draw(st.sampled_from((-33.0, -1.25, 50.0))), n, _EXACT_STEPS)


@st.composite
def _horizontal(draw: Draw, exact: bool) -> dict[str, AxisSpec]:
    dtype = draw(st.sampled_from(("float32", "float64")))
    lat, lon = draw(_latitudes(exact)), draw(_longitudes(exact))
    lat = lat[::-1] if draw(st.booleans()) else lat
    lon = lon[::-1] if draw(st.integers(0, 9)) == 0 else lon
    return {
        LAT: AxisSpec(tuple(lat), dtype, {"standard_name": "latitude", "units": "degrees_north"}),
        LON: AxisSpec(tuple(lon), dtype, {"standard_name": "longitude", "units": "degrees_east"}),
    }


@st.composite
def _time(draw: Draw) -> AxisSpec:
    unit = draw(st.sampled_from(tuple(_SECONDS)))
    dtype = draw(st.sampled_from(("int32", "int64", "float64")))
    step_s = draw(st.sampled_from((3600, 21600, 86400, 31 * 86400)))
    if unit == "days" and dtype != "float64":
        step_s = max(step_s, 86400)
    n = draw(st.integers(1, 6))
    jumps = draw(st.lists(st.integers(1, 3), min_size=n, max_size=n))
    values = [total * step_s / _SECONDS[unit] for total in itertools.accumulate(jumps)]
    order = draw(st.sampled_from(["ascending", "ascending", "descending", "any"]))
    if order == "descending":
        values.reverse()
    elif order == "any":
        values = draw(st.permutations(values))
    if dtype == "float64" and draw(st.booleans()):
        values = [value + 0.5 for value in values]
    calendar = draw(st.sampled_from(_CALENDARS))
    attributes = {"standard_name": "time", "units": f"{unit} since 2000-02-26 00:00:00", "calendar": calendar}
    return AxisSpec(tuple(values), dtype, attributes)


@st.composite
def _level(draw: Draw) -> AxisSpec:
    n = draw(st.integers(1, 5))
    values = _monotonic(draw, draw(st.sampled_from((-10.0, 0.0, 5.0))), n, (1.0, 2.0, 10.0, 250.0))
    if draw(st.booleans()):
        values.reverse()
    positive = draw(st.sampled_from(("up", "down")))
    name = {"up": "height", "down": "depth"}[positive]
    dtype = draw(st.sampled_from(("float32", "float64", "int32")))
    return AxisSpec(tuple(values), dtype, {"standard_name": name, "units": "m", "positive": positive})


def _number(n: int) -> AxisSpec:
    return AxisSpec(tuple(range(n)), "int64", {"standard_name": "realization", "units": "1"})


@st.composite
def _variable(draw: Draw, name: str, axes: dict[str, AxisSpec]) -> VariableSpec:
    further = [dim for dim in axes if dim not in {LAT, LON} and draw(st.integers(0, 4)) > 0]
    dims = tuple(draw(st.permutations([*further, LAT, LON])))
    chunks = tuple(draw(st.integers(1, len(axes[dim].values))) for dim in dims)
    dtype = draw(st.sampled_from(("float32", "float64", "int16", "int32", "uint8")))
    packed = draw(st.booleans())
    marks: tuple[float | None, ...] = (None, float("nan"), -9999.0, 1e20)
    if not dtype.startswith("float"):
        marks = {"int16": (None, -32768, 0), "int32": (None, -1), "uint8": (None, 255, 0)}[dtype]
    fill = draw(st.sampled_from(marks))
    finite = fill is not None and np.isfinite(fill)
    return VariableSpec(
        name,
        dims,
        chunks,
        dtype,
        seed=draw(st.integers(0, 2**32 - 1)),
        scale_factor=draw(st.sampled_from((None, 0.01, 0.1, 0.25, 1.7e-3))) if packed else None,
        add_offset=draw(st.sampled_from((None, 273.15, -40.0))) if packed else None,
        fill=fill,
        missing_value=fill if finite and draw(st.booleans()) else None,
        unwritten=draw(st.sampled_from((fill, None))),
        missing_share=draw(st.sampled_from((0.0, 0.2))),
        absent_share=draw(st.sampled_from((0.0, 0.3))),
    )


@st.composite
def store_specs(draw: Draw) -> StoreSpec:
    """Datasets of up to four dimensions besides the horizontal ones, of all layouts a reader has to know."""
    exact = draw(st.integers(0, 3)) > 0
    axes: dict[str, AxisSpec] = draw(_horizontal(exact))
    if draw(st.integers(0, 4)) > 0:
        axes[TIME] = draw(_time())
    if draw(st.booleans()):
        axes[LEVEL] = draw(_level())
    if draw(st.integers(0, 3)) == 0:
        axes[NUMBER] = _number(draw(st.integers(1, 4)))
    zarr_format = draw(st.sampled_from((2, 3)))
    names = _NAMES[: draw(st.integers(1, 3))]
    return StoreSpec(
        zarr_format=zarr_format,
        sharded=zarr_format == 3 and draw(st.booleans()),
        codec=draw(st.sampled_from(("none", "gzip", "zstd", "blosc"))),
        axes=axes,
        variables=tuple(draw(_variable(name, axes)) for name in names),
        exact=exact,
    )


def _along(centres: list[float], place: float) -> float:
    """The coordinate at a fractional index; beyond the ends by the adjacent spacing."""
    k = min(max(int(np.floor(place)), 0), len(centres) - 2)
    return centres[k] + (place - k) * (centres[k + 1] - centres[k])


@st.composite
def places(draw: Draw, centres: list[float], exact: bool) -> float:
    """On, near and between centres, at the edges, and outside. Ties and edges only where arithmetic is exact."""
    parts = (0.0, 0.0, 0.25, 0.4375, 0.5, 0.5625) if exact else (0.0, 0.25, 0.4375, 0.5625)
    whole = draw(st.integers(-1, len(centres) - 1))
    return _along(centres, whole + draw(st.sampled_from(parts)))


@st.composite
def _points(draw: Draw, spec: StoreSpec) -> Points:
    lat = sorted(float(v) for v in spec.axes[LAT].stored())
    lon = sorted(float(v) for v in spec.axes[LON].stored())
    multi = draw(st.booleans())
    n = draw(st.integers(1, 6)) if multi else 1
    x: list[float] = []
    y: list[float] = []
    for k in range(n):
        if k and draw(st.integers(0, 4)) == 0:  # a duplicate
            x.append(x[0])
            y.append(y[0])
            continue
        x.append(draw(places(lon, spec.exact)) + 360.0 * draw(st.sampled_from((0, 0, 0, -1, 1, -2, 2))))
        anywhere = draw(places(lat, spec.exact))
        y.append(min(max(draw(st.sampled_from((anywhere, anywhere, anywhere, 90.0, -90.0))), -90.0), 90.0))
    z = None
    if draw(st.integers(0, 3)) == 0:
        z = np.array([draw(heights(spec)) for _ in range(n)], dtype=np.float64)
    return Points(np.array(x), np.array(y), z, multi)


@st.composite
def heights(draw: Draw, spec: StoreSpec) -> float:
    """On, near and between levels, and outside."""
    levels = sorted(float(v) for v in spec.axes[LEVEL].stored()) if LEVEL in spec.axes else [0.0, 1.0]
    if len(levels) == 1:
        return levels[0] + float(draw(st.sampled_from((0.0, 0.0, -1.0))))
    return float(draw(places(levels, exact=True)))


@st.composite
def vertical(draw: Draw, spec: StoreSpec) -> VerticalSelector:
    """One to three levels and intervals."""
    members: list[Level | LevelInterval] = []
    for _ in range(draw(st.integers(1, 3))):
        low, high = sorted((draw(heights(spec)), draw(heights(spec))))
        bounds = ((low, high), (None, high), (low, None))
        interval = LevelInterval(*draw(st.sampled_from(bounds)))
        members.append(draw(st.sampled_from((Level(low), interval))))
    return tuple(members)


def moment_of(instant: cftime.datetime, precision: Precision, offset_minutes: int = 0) -> Moment:
    """An instant as it would be written, at local time, to a precision."""
    local = instant + timedelta(minutes=offset_minutes)
    written: dict[str, Any] = {name: getattr(local, name) for name in _PARTS[: precision + 1]}
    if precision is Precision.SECOND:
        written["microsecond"] = local.microsecond
    return Moment(**written, offset_minutes=offset_minutes, precision=precision)


@st.composite
def _moments(draw: Draw, instants: list[cftime.datetime]) -> Moment:
    shift = draw(st.sampled_from((0, 0, 0, 1, -1, 3600, 86400, -86400, 400 * 86400)))
    instant = draw(st.sampled_from(instants)) + timedelta(seconds=shift)
    precision = draw(st.sampled_from(Precision))
    offset = draw(st.sampled_from((0, 0, 60, -330))) if precision >= Precision.HOUR else 0
    return moment_of(instant, precision, offset)


@st.composite
def _repeating(draw: Draw, instants: list[cftime.datetime]) -> RepeatingInterval:
    start = draw(st.sampled_from(instants))
    steps = (Duration(0, 3_600_000_000), Duration(0, 86_400_000_000), Duration(1, 0), Duration(12, 0))
    step = draw(st.sampled_from(steps))
    if step.months:  # a day that every month has
        start = start.replace(day=min(start.day, 28))
    return RepeatingInterval(draw(st.integers(1, 5)), moment_of(start, Precision.SECOND), step)


@st.composite
def temporal(draw: Draw, spec: StoreSpec) -> TimeSelector:
    """One to three instants, intervals and repetitions; many, but not all, meet a time."""
    found = instants(spec)
    members: list[Instant | TimeInterval | RepeatingInterval] = []
    for _ in range(draw(st.integers(1, 3))):
        first, second = draw(_moments(found)), draw(_moments(found))
        if start_of(second, found[0].calendar) < start_of(first, found[0].calendar):
            first, second = second, first
        bounds = ((first, second), (None, second), (first, None))
        interval = TimeInterval(*draw(st.sampled_from(bounds)))
        members.append(draw(st.sampled_from((Instant(first), interval, draw(_repeating(found))))))
    return tuple(members)


def instants(spec: StoreSpec) -> list[cftime.datetime]:
    """The times of a store, in storage order; some day where it has none."""
    if TIME not in spec.axes:
        return [cftime.datetime(2000, 2, 26, calendar="standard")]
    axis = spec.axes[TIME]
    found = cftime.num2date(
        axis.stored(), axis.attributes["units"], axis.attributes["calendar"], only_use_cftime_datetimes=True
    )
    return list(np.atleast_1d(found))


@st.composite
def custom(draw: Draw, spec: StoreSpec) -> dict[str, str]:
    """Perhaps a selection of members."""
    used = {dim for variable in spec.variables for dim in variable.dims}
    if NUMBER not in used or draw(st.booleans()):
        return {}
    members = st.sampled_from([int(v) for v in spec.axes[NUMBER].values])
    one, other = sorted((draw(members), draw(members)))
    return {NUMBER: draw(st.sampled_from((str(one), f"{one}/{other}", f"{other},{one}")))}


@st.composite
def position_queries(draw: Draw, spec: StoreSpec) -> PositionQuery:
    """Queries that are valid for a store; many, but not all, meet data."""
    return PositionQuery(points=draw(_points(spec)), **draw(selections(spec)))


@st.composite
def selections(draw: Draw, spec: StoreSpec) -> dict[str, Any]:
    """What any query may choose besides where, as the arguments of a `Selection`."""
    names = [variable.name for variable in spec.variables]
    parameters = draw(st.permutations(names))[: draw(st.integers(1, len(names)))]
    return {
        "datetime": draw(st.one_of(st.none(), temporal(spec))),
        "z": draw(st.one_of(st.none(), st.none(), vertical(spec))),
        "parameters": draw(st.sampled_from((None, tuple(parameters)))),
        "custom": draw(custom(spec)),
    }
