// What the metadata of a collection, or of a run of it, say: parameters, axes, queries and their formats.

import { wordsFor } from './time_words.js'
import { calendarOf, timesOf as timesIn } from './times.js'
import { withUnit } from './numbers.js'

/** Text of a title, a label, a unit: as it is, or the first of a mapping of languages. */
export function textOf (value) {
  if (typeof value === 'string') return value
  const found = value && typeof value === 'object' ? Object.values(value)[0] : undefined
  return typeof found === 'string' ? found : ''
}

const MOST_VALUES = 100_000

/** A collection that can be explored, from its document; null for one that has no box or no query for values. */
export function collectionOf (document) {
  const bbox = boxOf(document.extent?.spatial?.bbox?.[0])
  const names = Object.keys(document.parameter_names ?? {})
  const queries = queriesOf(document.data_queries ?? {})
  if (!bbox || !names.length || !(queries.cube || queries.position)) return null
  return {
    id: String(document.id),
    title: textOf(document.title) || String(document.id),
    description: textOf(document.description),
    bbox,
    cells: cellsOf(document.extent.spatial.values, bbox),
    parameters: new Map(names.map(name => [name, parameterOf(name, document.parameter_names[name])])),
    extent: document.extent,
    queries,
    hasRuns: Boolean(document.data_queries?.instances)
  }
}

function boxOf (given) {
  if (!Array.isArray(given) || ![4, 6].includes(given.length)) return null
  const half = given.length / 2
  const [west, south, east, north] = [given[0], given[1], given[half], given[half + 1]].map(Number)
  if (![west, south, east, north].every(Number.isFinite)) return null
  return [west, south, east < west ? east + 360 : east, north]
}

function queriesOf (dataQueries) {
  const found = {}
  for (const [name, query] of Object.entries(dataQueries)) {
    const formats = query?.link?.variables?.output_formats
    found[name] = { formats: Array.isArray(formats) ? formats.map(String) : [] }
  }
  return found
}

function parameterOf (name, document) {
  const symbol = document?.unit?.symbol
  const unit = textOf(document?.unit?.label) || textOf(symbol?.value ?? symbol)
  const label = textOf(document?.label) || textOf(document?.observedProperty?.label) || textOf(document?.name) || name
  return { name, label, unit: unit === '1' ? '' : unit, extent: document?.extent }
}

/** How many cells there are and how wide they are, in degrees; null where that is not told. */
function cellsOf (values, [west, south, east, north]) {
  const [x, y] = ['x', 'y'].map(axis => count(values?.[axis]))
  if (!x || !y) return null
  return { x, y, degrees: Math.min((east - west) / x, (north - south) / y) }
}

function count (values) {
  if (!Array.isArray(values)) return 0
  const repeated = /^R(\d+)\//.exec(String(values[0]))
  return repeated ? Number(repeated[1]) : values.length
}

/** Axes of extents that have been asked for: a long one takes a while to read. */
const kept = new WeakMap()

/** Times, levels and further dimensions of a parameter. */
export function axesOf (collection, parameterName) {
  const extent = collection.parameters.get(parameterName)?.extent ?? collection.extent
  if (!kept.has(extent)) kept.set(extent, axesIn(extent))
  return kept.get(extent)
}

function axesIn (extent) {
  return { times: timesOf(extent.temporal), levels: levelsOf(extent.vertical), dimensions: dimensionsOf(extent.custom) }
}

function timesOf (temporal) {
  if (!temporal) return null
  const calendar = calendarOf(temporal.trs?.includes?.('CALENDAR[') ? temporal.trs : '')
  const listed = Array.isArray(temporal.values) ? temporal.values : (temporal.interval?.[0] ?? []).filter(Boolean)
  const values = timesIn(listed, calendar)
  return values.length ? { calendar, values, ...wordsFor(values, calendar) } : null
}

/** Levels from the top of the world to its bottom, however the data have them. */
function levelsOf (vertical) {
  if (!vertical) return null
  const values = numbersOf(vertical.values ?? vertical.interval?.[0] ?? [])
  if (!values.length) return null
  const wkt = String(vertical.vrs ?? '')
  const unit = /(?:LENGTH|PARAMETRIC)UNIT\["([^"]*)"/.exec(wkt)?.[1] ?? ''
  const down = /AXIS\["[^"]*",\s*(\w+)/.exec(wkt)?.[1] === 'down'
  values.sort((a, b) => (down ? 1 : -1) * (Number(a) - Number(b)))
  const shown = unit === '1' ? '' : unit
  return { name: textOf(vertical.name) || 'level', unit: shown, down, values, text: value => withUnit(value, shown) }
}

function dimensionsOf (custom) {
  const given = Array.isArray(custom) ? custom.filter(axis => axis?.id != null) : []
  return given
    .map(axis => ({ id: String(axis.id), values: numbersOf(axis.values ?? axis.interval?.[0] ?? []) }))
    .filter(axis => axis.values.length)
}

/** Values as text; one may be `Rn/start/step`. */
function numbersOf (values) {
  return values.slice(0, MOST_VALUES).flatMap(value => {
    const found = /^R(\d{1,6})\/([^/]+)\/([^/]+)$/.exec(String(value))
    if (!found) return [String(value)]
    const [times, start, step] = found.slice(1).map(Number)
    return Array.from({ length: times }, (_, i) => String(Number((start + i * step).toPrecision(12))))
  })
}
