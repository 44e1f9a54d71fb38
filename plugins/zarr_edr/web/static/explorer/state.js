// What is looked at, as the page's own address: a link opens the same view.

import { wrapped } from './numbers.js'
import { PALETTES } from './palettes.js'
import { waysOf } from './queries.js'
import { NotAShape, shapeOf, shapeText } from './shapes.js'

const DIMENSION = 'dim-'

/**
 * The view that an address asks for. Nothing of it is certain yet: `settled` holds it against the metadata. `faults` are what
 * could not be understood, in words.
 */
export function viewOf (search) {
  const given = new URLSearchParams(search)
  const faults = []
  const dimensions = {}
  for (const [name, value] of given) if (name.startsWith(DIMENSION)) dimensions[name.slice(DIMENSION.length)] = value
  return {
    collection: given.get('collection') ?? '',
    run: given.get('run') ?? '',
    parameter: given.get('parameter') ?? '',
    also: given.getAll('also'),
    time: given.get('datetime') ?? '',
    level: given.get('z') ?? '',
    dimensions,
    every: given.getAll('every'),
    drawn: drawnOf(given.get('draw'), faults),
    way: given.get('chart') ?? '',
    at: atOf(given.get('at')),
    palette: PALETTES.includes(given.get('palette')) ? given.get('palette') : PALETTES[0],
    range: rangeOf(given.get('range')),
    faults
  }
}

function drawnOf (text, faults) {
  if (!text) return null
  try {
    return shapeOf(text)
  } catch (error) {
    if (!(error instanceof NotAShape)) throw error
    faults.push(`What the address wants drawn was not understood: ${error.message}`)
    return null
  }
}

function numbers (text, count) {
  const found = (text ?? '').split(',').map(part => part.trim() === '' ? NaN : Number(part))
  return found.length === count && found.every(Number.isFinite) ? found : null
}

function atOf (text) {
  const found = numbers(text, 3)
  if (!found) return null
  const [x, y, zoom] = found
  return Math.abs(y) <= 90 && zoom >= 0 && zoom <= 12 ? { centre: [wrapped(x), y], zoom } : null
}

function rangeOf (text) {
  const found = numbers(text, 2)
  return found && found[0] < found[1] ? { low: found[0], high: found[1] } : null
}

/** The address of a view, after the question mark. */
export function searchOf (view) {
  const search = new URLSearchParams()
  const put = (name, value) => { if (value) search.append(name, value) }
  put('collection', view.collection)
  put('run', view.run)
  put('parameter', view.parameter)
  view.also.forEach(name => put('also', name))
  put('datetime', view.time)
  put('z', view.level)
  for (const [id, value] of Object.entries(view.dimensions)) put(DIMENSION + id, value)
  view.every.forEach(id => put('every', id))
  put('draw', view.drawn && shapeText(view.drawn))
  put('chart', view.drawn && view.way)
  put('at', view.at && [...view.at.centre, view.at.zoom].join(','))
  put('palette', view.palette === PALETTES[0] ? '' : view.palette)
  put('range', view.range && [view.range.low, view.range.high].join(','))
  return search.toString().replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/')
}

/** The value of an axis that was asked for, or else another one, with a word about it. */
function chosen (values, wanted, otherwise, what, faults) {
  if (values.includes(wanted)) return wanted
  if (wanted) faults.push(`There is no ${what} ${JSON.stringify(wanted.slice(0, 60))} here.`)
  return otherwise
}

/** A view that the collection (or run) has, with `axes` of its parameter. `axesFor` gives those of a parameter. */
export function settled (view, collection, axesFor) {
  const faults = [...view.faults]
  const names = [...collection.parameters.keys()]
  const parameter = chosen(names, view.parameter, names[0], 'parameter', faults)
  const axes = axesFor(parameter)
  const times = axes.times?.values ?? []
  const levels = axes.levels?.values ?? []
  const ids = axes.dimensions.map(axis => axis.id)
  const ways = view.drawn ? waysOf(view.drawn, axes, collection.queries) : []
  const settledView = {
    ...view,
    parameter,
    also: view.also.filter(name => names.includes(name) && name !== parameter),
    // A forecast is read from its start, what has been observed from its end.
    time: times.length ? chosen(times, view.time, collection.hasRuns || view.run ? times.at(0) : times.at(-1), 'time', faults) : '',
    level: levels.length ? chosen(levels, view.level, levels[0], 'level', faults) : '',
    dimensions: Object.fromEntries(axes.dimensions.map(({ id, values }) => [id, chosen(values, view.dimensions[id], values[0], id, faults)])),
    every: view.every.filter(id => ids.includes(id)),
    way: ways.includes(view.way) ? view.way : ways[0] ?? '',
    faults: []
  }
  return { view: settledView, axes, faults }
}
