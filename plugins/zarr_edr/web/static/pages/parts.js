// Parts of a CoverageJSON document: some parameters, one member, one time, one level. A part is a document again.

import { axisOf, coveragesOf } from '../explorer/covjson.js'
import { wordsFor } from '../explorer/time_words.js'

/** Which member a coverage is of, as text; of the document as it came. */
export const memberOf = coverage => JSON.stringify(coverage['zarr-edr:dimensions'] ?? {})

/** The coverages of a document as it came. */
export const given = document => document.coverages ?? [document]

/**
 * What of a document has some parameters (`names`), is of one `member`, and stands at some values (`at`: { t, z }); each of
 * them may be left out.
 */
export function partOf (document, { names, member, at = {} }) {
  const found = given(document)
    .filter(coverage => member === undefined || memberOf(coverage) === member)
    .map(coverage => names ? { ...coverage, ranges: Object.fromEntries(Object.entries(coverage.ranges).filter(([name]) => names.includes(name))) } : coverage)
    .filter(coverage => Object.keys(coverage.ranges).length)
    .map(coverage => Object.entries(at).reduce((part, [name, value]) => part && sliced(part, name, value), coverage))
    .filter(Boolean)
  return { ...document, coverages: found }
}

/** The value of a coordinate that all tuples of a composite axis share; undefined where there is none. */
function sharedIn (composite, name) {
  const at = composite?.coordinates?.indexOf(name) ?? -1
  const [first, ...others] = at < 0 ? [] : composite.values.map(tuple => tuple[at])
  return others.every(value => value === first) ? first : undefined
}

/** A coverage at one value of an axis; as it is where it has no such coordinate, null where that has no such value. */
function sliced (coverage, name, value) {
  const axis = coverage.domain.axes[name]
  if (!axis) return [undefined, value].includes(sharedIn(coverage.domain.axes.composite, name)) ? coverage : null
  const index = axisOf(axis).values.indexOf(value)
  if (index < 0) return null
  const domain = { ...coverage.domain, axes: { ...coverage.domain.axes, [name]: { values: [value] } } }
  const ranges = Object.fromEntries(Object.entries(coverage.ranges).map(([key, range]) => [key, taken(range, name, index)]))
  return { ...coverage, domain, ranges }
}

function taken (range, name, index) {
  const { axisNames = [], shape = [], values } = range
  const at = axisNames.indexOf(name)
  if (at < 0) return range
  const product = sizes => sizes.reduce((all, size) => all * size, 1)
  const [outer, inner] = [product(shape.slice(0, at)), product(shape.slice(at + 1))]
  const found = []
  for (let i = 0; i < outer; i++) {
    const start = (i * shape[at] + index) * inner
    for (let j = 0; j < inner; j++) found.push(values[start + j])
  }
  return { ...range, shape: shape.with(at, 1), values: found }
}

/** Every different value of an axis in a document, in the order of their coming. */
export function valuesOf (document, name) {
  const found = new Set()
  for (const { axes } of coveragesOf(document)) for (const value of axes[name]?.values ?? []) found.add(value)
  return [...found]
}

/** Values of which one can be chosen: of an axis, or of what a path has in common, as all its vertices have one time. */
export function choicesOf (document, name) {
  const shared = coveragesOf(document).map(({ axes }) => axes[name] ? undefined : sharedIn(axes.composite, name))
  return [...new Set([...valuesOf(document, name), ...shared.filter(value => value !== undefined)])]
}

/** What the reference systems of a document say: { times, levels, geographic }, the first two as charts.js has them. */
export function axesOf (document) {
  const systems = given(document).flatMap(coverage => coverage.domain.referencing ?? []).concat(document.referencing ?? [])
  const of = name => systems.find(({ coordinates }) => coordinates?.includes(name))?.system
  const [axis] = of('z')?.cs?.csAxes ?? []
  const symbol = axis?.unit?.symbol
  const unit = typeof symbol === 'string' ? symbol : ''
  const name = Object.values(axis?.name ?? {}).find(text => typeof text === 'string') || 'level'
  const calendar = coveragesOf(document)[0]?.calendar ?? 'gregorian'
  return {
    times: { calendar, ...wordsFor(choicesOf(document, 't'), calendar) },
    levels: { name, unit: unit === '1' ? '' : unit, down: axis?.direction === 'down', text: value => `${value}${unit && unit !== '1' ? ` ${unit}` : ''}` },
    geographic: of('x')?.type === 'GeographicCRS'
  }
}
