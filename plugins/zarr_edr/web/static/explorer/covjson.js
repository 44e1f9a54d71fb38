// CoverageJSON as lines and grids of numbers, for charts and the map.

import { textOf } from './catalogue.js'
import { calendarOf } from './times.js'

/** The coverages of a document, each with its axes as lists of values, and what it inherits from its collection. */
export function coveragesOf (document) {
  const given = document.coverages ?? [document]
  return given.map(coverage => ({
    axes: Object.fromEntries(Object.entries(coverage.domain.axes).map(([name, axis]) => [name, axisOf(axis)])),
    ranges: coverage.ranges,
    parameters: coverage.parameters ?? document.parameters ?? {},
    calendar: calendar(coverage.domain.referencing ?? document.referencing ?? []),
    dimensions: coverage['zarr-edr:dimensions'] ?? {}
  }))
}

/** An axis as a list of values, those of a regular one written out. */
export function axisOf (axis) {
  if (axis.values) return { coordinates: axis.coordinates ?? [], values: axis.values }
  const { start, stop, num } = axis
  const step = num > 1 ? (stop - start) / (num - 1) : 0
  return { coordinates: [], values: Array.from({ length: num }, (_, i) => start + i * step) }
}

function calendar (referencing) {
  return calendarOf(referencing.find(({ system }) => system?.type === 'TemporalRS')?.system.calendar)
}

/** Name, label and unit of a parameter of a coverage. */
function described (coverage, name) {
  const parameter = coverage.parameters[name] ?? {}
  const symbol = parameter.unit?.symbol
  const unit = textOf(parameter.unit?.label) || textOf(symbol?.value ?? symbol)
  return { name, label: textOf(parameter.observedProperty?.label) || name, unit: unit === '1' ? '' : unit }
}

/** Steps in the flat list of values for one step on each axis. */
function strides ({ axisNames = [], shape = [] }) {
  const found = {}
  let size = 1
  for (let i = axisNames.length - 1; i >= 0; i--) {
    found[axisNames[i]] = { stride: size, size: shape[i] }
    size *= shape[i]
  }
  return found
}

/** All choices of one index on each of some axes, as offsets. */
function offsets (axes) {
  return axes.reduce(
    (found, [name, { stride, size }]) => found.flatMap(
      ({ offset, index }) => Array.from({ length: size }, (_, i) => ({ offset: offset + i * stride, index: { ...index, [name]: i } }))),
    [{ offset: 0, index: {} }])
}

/**
 * All lines of values along one axis: `x` the values of the axis (numbers or text) or null where the values have no such
 * axis, `y` numbers or null, `point` which of the points asked for, `place` where it is, `dimensions` e.g. { number: 3 }.
 */
export function linesOf (document, along) {
  const lines = []
  const seen = new Map()
  for (const coverage of coveragesOf(document)) {
    const key = JSON.stringify([coverage.dimensions, Object.keys(coverage.ranges)])
    const order = seen.get(key) ?? 0
    seen.set(key, order + 1)
    for (const [name, range] of Object.entries(coverage.ranges)) {
      lines.push(...linesOfRange(coverage, described(coverage, name), range, along, order))
    }
  }
  return lines
}

function linesOfRange (coverage, parameter, range, along, order) {
  const steps = strides(range)
  const others = Object.entries(steps).filter(([name]) => name !== along)
  const { stride, size } = steps[along] ?? { stride: 0, size: 1 }
  const values = coverage.axes[along]?.values
  const x = values && (along in steps || values.length === 1) ? values : null
  return offsets(others).map(({ offset, index }) => ({
    parameter,
    calendar: coverage.calendar,
    dimensions: coverage.dimensions,
    point: index.composite ?? order,
    place: placeOf(coverage.axes, index.composite ?? 0),
    x,
    y: Array.from({ length: size }, (_, i) => range.values[offset + i * stride] ?? null)
  }))
}

/** Longitude and latitude of a point, from a composite axis or from x and y. */
function placeOf (axes, i) {
  if (!axes.composite) return [axes.x?.values[0], axes.y?.values[0]]
  const { coordinates, values } = axes.composite
  return ['x', 'y'].map(name => values[i]?.[coordinates.indexOf(name)])
}

/** The values of a parameter over two axes, row by row of `yName`; null where no coverage has it. */
export function gridOf (document, name, xName, yName) {
  const coverage = coveragesOf(document).find(candidate => name in candidate.ranges)
  if (!coverage || !coverage.axes[xName] || !coverage.axes[yName]) return null
  const range = coverage.ranges[name]
  const steps = strides(range)
  const xs = coverage.axes[xName].values
  const ys = coverage.axes[yName].values
  const [dx, dy] = [xName, yName].map(axis => steps[axis]?.stride ?? 0)
  const values = new Array(xs.length * ys.length)
  for (let row = 0; row < ys.length; row++) {
    for (let column = 0; column < xs.length; column++) values[row * xs.length + column] = range.values[row * dy + column * dx] ?? null
  }
  return { xs, ys, values, parameter: described(coverage, name), calendar: coverage.calendar }
}
