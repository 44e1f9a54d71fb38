"""What an answer will have before it is read: the parameters, axes and places of all its parts, and the columns of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from zarr_edr.coverage import Coverage, CoverageSet, time_axis, tuples_of
from zarr_edr.dataset.calendars import GREGORIAN
from zarr_edr.dataset.model import HorizontalCrs, Parameter, TimeAxis, VerticalAxis
from zarr_edr.plan import LocatedPoints, PointShape, ReadPlan
from zarr_edr.query.geometry import Tags


class Role(StrEnum):
    """What a column holds."""

    POINT = "point"
    PLACE = "place"
    ID = "id"
    PROPERTY = "property"
    TIME = "time"
    Z = "z"
    X = "x"
    Y = "y"
    DIMENSION = "dimension"
    PARAMETER = "parameter"


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    role: Role
    key: str
    """Name of the property, dimension or parameter; else that of the role."""
    name: str
    """Unique in the table."""
    unit: str | None = None
    parameter: Parameter | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What is known of an answer before it is read, and is the same in all its parts."""

    parameters: tuple[Parameter, ...]
    crs: HorizontalCrs
    time_axes: tuple[TimeAxis, ...]
    vertical_axes: tuple[VerticalAxis, ...]
    dimensions: tuple[str, ...]
    """Names of the further dimensions."""
    shape: PointShape | None
    """What the positions are to each other; None: windows of cells."""
    places: int
    tags: Tags | None

    @classmethod
    def of_plan(cls, plan: ReadPlan, crs: HorizontalCrs, tags: Tags | None) -> Outline:
        """Of an answer that is planned."""
        parameters = tuple({read.parameter.name: read.parameter for read in plan.array_reads}.values())
        where = plan.groups[0].where
        return cls(
            parameters,
            crs,
            _distinct(p.t for p in parameters),
            _distinct(p.z for p in parameters),
            tuple(dict.fromkeys(axis.name for p in parameters for axis in p.custom)),
            where.shape if isinstance(where, LocatedPoints) else None,
            plan.places,
            tags,
        )

    @classmethod
    def of_coverages(cls, coverages: CoverageSet) -> Outline:
        """Of an answer that is there."""
        times = (time_axis(c) for c in coverages.coverages)
        return cls(
            coverages.parameters,
            coverages.crs,
            _distinct(times),
            _distinct(c.vertical for c in coverages.coverages if "z" in c.axes or _has_z(c)),
            tuple(dict.fromkeys(name for c in coverages.coverages for name in c.dimensions)),
            coverages.shape,
            coverages.places,
            coverages.tags,
        )

    @property
    def gregorian(self) -> bool:
        """Whether all times are instants of the calendar in use, in which computers count."""
        return all(axis.calendar in GREGORIAN for axis in self.time_axes)

    def columns(self, names: Mapping[Role, str] = MappingProxyType({})) -> tuple[Column, ...]:
        """The columns of the table. `names`: what roles that have one column are called instead.

        Coordinates keep their names, whatever else is there; then numbers of places, dimensions, and parameters in this order. A
        name that is taken is followed by what the column is, e.g. `time_parameter`. What clients post comes last.
        """
        columns = list(self._columns())
        taken: set[str] = set()
        named: dict[tuple[Role, str], str] = {}
        for column in sorted(columns, key=lambda column: _FIRST_NAMED.index(column.role)):
            name = names.get(column.role, column.key)
            suffix = Role.PROPERTY if column.role is Role.ID else column.role
            while name in taken:
                name = f"{name}_{suffix}"
            taken.add(name)
            named[column.role, column.key] = name
        return tuple(replace(column, name=named[column.role, column.key]) for column in columns)

    def _columns(self) -> Iterator[Column]:
        """In their order, by the names of their keys."""
        tags = Tags(None, {}) if self.tags is None else self.tags
        roles = ((Role.POINT, self.shape is not None), (Role.PLACE, self._numbered), (Role.ID, tags.ids is not None))
        yield from (_column(role) for role, there in roles if there)
        yield from (_column(Role.PROPERTY, name) for name in tags.properties)
        if self.time_axes:
            yield _column(Role.TIME)
        if self.vertical_axes:
            units = {axis.unit.text for axis in self.vertical_axes}
            yield _column(Role.Z, unit=units.pop() or None if len(units) == 1 else None)
        yield from (_column(Role.X), _column(Role.Y))
        yield from (_column(Role.DIMENSION, name) for name in self.dimensions)
        for p in self.parameters:
            yield _column(Role.PARAMETER, p.name, None if p.unit is None else p.unit.text, p)

    @property
    def _numbered(self) -> bool:
        return self.places > 1 and self.shape in (None, PointShape.PATH)


_FIRST_NAMED = (
    *(Role.X, Role.Y, Role.Z, Role.TIME),
    *(Role.POINT, Role.PLACE, Role.DIMENSION, Role.PARAMETER, Role.ID, Role.PROPERTY),
)


def _column(role: Role, key: str = "", unit: str | None = None, parameter: Parameter | None = None) -> Column:
    return Column(role, key or role, key or role, unit, parameter)


def _has_z(coverage: Coverage) -> bool:
    tuples = tuples_of(coverage)
    return tuples is not None and tuples.z is not None


def _distinct[T](axes: Iterable[T | None]) -> tuple[T, ...]:
    return tuple({id(axis): axis for axis in axes if axis is not None}.values())
