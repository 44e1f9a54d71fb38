// An answer as a chart: which lines or cells, on which axes, and the same as a table.

import { gridOf, linesOf } from './covjson.js'
import { latitudeText, longitudeText, placeText, rangeOf, short, withUnit, wrapped } from './numbers.js'
import { LINES } from './palettes.js'
import { wordsFor } from './time_words.js'
import { seconds } from './times.js'

const DASHES = [undefined, [8, 4], [3, 3], [10, 3, 3, 3], [16, 5], [2, 7]]
const COLOURS = LINES.length

/**
 * The chart of a document for a view; null where it holds nothing to draw.
 *
 * Lines: { kind: 'lines', axis, lines: [{ x, y, name, colour, dash, parameter }], table }.
 * Cells: { kind: 'cells', x, y, values, parameter, square, table }. Values: { kind: 'values', table }. Nothing: { kind: 'nothing', table }, where
 * no value is there. All have a `summary`; `table`: { columns, rows, cells }, where `cells` write what rows have, column by column.
 */
export function chartOf (document, view, axes, along) {
  switch (view.way) {
    case 'series': return linesChart(document, view, 't', timeAxis(axes))
    case 'profile': return linesChart(document, view, 'z', levelAxis(axes))
    case 'along': return linesChart(document, view, 'composite', distanceAxis(along))
    case 'both': return cellsChart(document, view, ['t', timeAxis(axes)], ['z', levelAxis(axes)])
    case 'section': return cellsChart(document, view, ['composite', distanceAxis(along)], ['z', levelAxis(axes)])
    case 'grid': return cellsChart(document, view, ['x', longitudeAxis()], ['y', latitudeAxis()], true)
    default: return valuesChart(document, view)
  }
}

function timeAxis (axes) {
  const { calendar, months, label, column, text } = { calendar: 'gregorian', ...wordsFor([], axes.times?.calendar), ...axes.times }
  const texts = new Map()
  return {
    kind: 'time',
    label,
    calendar,
    months,
    column,
    what: 'time',
    numbers: values => values.map(value => {
      const at = seconds(value, calendar)
      texts.set(at, text(value))
      return at
    }),
    text: at => texts.get(at) ?? '',
    cell: months ? text : undefined
  }
}

function levelAxis (axes) {
  const { name, unit, down, text } = axes.levels ?? { name: 'level', unit: '', down: false, text: String }
  const label = `${name[0].toUpperCase()}${name.slice(1)}`
  const numbers = values => values.map(value => value == null ? NaN : Number(value))
  return { kind: 'level', label: withUnit(label, unit && `(${unit})`), column: withUnit(label, unit && `(${unit})`), what: name, down, numbers, text }
}

function distanceAxis (along) {
  return { kind: 'number', label: 'Distance along the line (km)', column: 'Distance (km)', numbers: () => along.map(km => Number(km.toFixed(3))), text: km => `${short(km)} km` }
}

const longitudeAxis = () => ({ kind: 'longitude', label: '', column: 'Longitude', numbers: values => values, text: longitudeText, tabled: wrapped })
const latitudeAxis = () => ({ kind: 'latitude', label: '', column: 'Latitude', numbers: values => values, text: latitudeText })

// --- lines

function linesChart (document, view, name, axis) {
  const all = linesOf(document, name)
  const found = all.filter(line => line.x)
  const lines = named(found, view).map(line => ({ ...line, x: axis.numbers(line.x) }))
  if (!lines.length) return null
  const values = lines.flatMap(line => line.y)
  if (!rangeOf(values)) return nothing(values.length)
  const mixed = new Set(lines.map(line => line.parameter.unit)).size > 1
  const [text, note] = [summary(values, lines[0].parameter.unit, mixed), leftOut(all, axis)]
  return { kind: 'lines', axis, lines, table: linesTable(axis, lines, found), summary: note ? `${text}. ${note}` : text }
}

/** What is there to be told where no value is, of so many. */
function nothing (count) {
  const none = count > 1 ? `All ${count} values are missing here.` : 'There is no value here.'
  return { kind: 'nothing', table: { columns: [], rows: [] }, summary: `${none} Perhaps this is land, or outside of the data: choose another place.` }
}

/** Parameters that have no such axis, as 2 m temperature has no levels: they are no lines, and that is told. */
function leftOut (lines, { what }) {
  const labels = new Set(lines.filter(line => !line.x).map(line => line.parameter.label))
  return [...labels].map(label => `${label} has no ${what} here, and is left out.`).join(' ')
}

/**
 * Lines with a `name` among those of their chart, which has all parameters of one unit, and a `full` one among all; with a
 * colour for each point, or else member, or else parameter, and a dash for what the colour does not tell.
 */
function named (lines, view) {
  const points = new Set(lines.map(line => line.point)).size
  const members = [...new Set(lines.map(line => JSON.stringify(line.dimensions)))]
  const names = all => [...new Set(all.map(line => line.parameter.name))]
  const parameters = names(lines)
  const beside = new Map([...Map.groupBy(lines, line => line.parameter.unit)].map(([unit, all]) => [unit, names(all)]))
  return lines.map(line => {
    const mates = beside.get(line.parameter.unit)
    const member = members.indexOf(JSON.stringify(line.dimensions))
    const { label } = line.parameter
    const parts = [
      points > 1 && `${line.point + 1}: ${placeText(...line.place)}`,
      members.length > 1 && Object.entries(line.dimensions).map(([id, value]) => `${id} ${value}`).join(', ')
    ]
    const text = labelled => [labelled && label, ...parts].filter(Boolean).join(', ') || label
    const second = points > 1 ? member : Math.floor(member / COLOURS)
    const colour = points > 1 ? line.point : members.length > 1 ? member : parameters.indexOf(line.parameter.name)
    const dash = points > 1 || members.length > 1 ? DASHES[(second * mates.length + mates.indexOf(line.parameter.name)) % DASHES.length] : undefined
    return { ...line, name: text(mates.length > 1), full: text(parameters.length > 1), colour, dash }
  })
}

function linesTable (axis, lines, found) {
  const unit = ({ unit }) => unit ? ` (${unit})` : ''
  const rows = new Map()
  lines.forEach((line, column) => line.x.forEach((x, i) => {
    // Vertices of a line may share a place; each has its row.
    const key = axis.kind === 'number' ? i : String(found[column].x[i])
    if (!rows.has(key)) rows.set(key, [axis.kind === 'number' ? x : found[column].x[i], ...lines.map(() => null)])
    rows.get(key)[column + 1] = line.y[i]
  }))
  return { columns: [axis.column, ...lines.map(line => `${line.full}${unit(line.parameter)}`)], rows: [...rows.values()], cells: [axis.cell] }
}

/** How many values there are and from where to where they go; one of them is there. */
function summary (values, unit, mixed) {
  const range = rangeOf(values)
  const missing = values.length - range.count
  const gaps = missing ? `, ${missing} missing` : ''
  const count = `${range.count} ${range.count === 1 ? 'value' : 'values'}${gaps}`
  return mixed ? count : `${count}; from ${short(range.low)} to ${withUnit(short(range.high), unit)}`
}

// --- cells

function cellsChart (document, view, [xName, xAxis], [yName, yAxis], square = false) {
  const grid = gridOf(document, view.parameter, xName, yName)
  if (!grid) return null
  const x = { ...xAxis, values: xAxis.numbers(grid.xs) }
  const y = { ...yAxis, values: yAxis.numbers(grid.ys) }
  const { parameter, values } = grid
  // Cells beside the shape have no value either, and the answer does not say which is which.
  const cut = ['polygon', 'circle'].includes(view.drawn?.kind)
  if (!rangeOf(values)) return nothing(cut ? 0 : values.length)
  const rows = values.map((value, i) => {
    const [column, row] = [i % grid.xs.length, Math.floor(i / grid.xs.length)]
    const plain = (axis, index, given) => axis.kind === 'number' ? axis.values[index] : axis.tabled?.(given[index]) ?? given[index]
    return [plain(x, column, grid.xs), plain(y, row, grid.ys), value]
  })
  const kept = cut ? rows.filter(([, , value]) => value != null) : rows
  const columns = [x.column, y.column, `${parameter.label}${parameter.unit ? ` (${parameter.unit})` : ''}`]
  const text = summary(kept.map(([, , value]) => value), parameter.unit, false)
  return {
    kind: 'cells', x, y, values, parameter, square,
    table: { columns, rows: kept, cells: [x.cell, y.cell] },
    summary: cut ? `${text}. Cells without a value are left out.` : text
  }
}

// --- single values

function valuesChart (document, view) {
  const lines = named(linesOf(document, ''), view)
  if (!rangeOf(lines.flatMap(({ y }) => y))) return nothing(lines.length)
  const rows = lines.map(line => [line.full, placeText(...line.place), line.y[0], line.parameter.unit])
  const only = rows.length === 1 ? withUnit(short(rows[0][2], 7), rows[0][3]) : ''
  return { kind: 'values', table: { columns: ['What', 'Where', 'Value', 'Unit'], rows }, summary: only || `${rows.length} values` }
}
