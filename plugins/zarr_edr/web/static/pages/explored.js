// The address of the explorer that shows what a query asks for, as far as the explorer can draw it.

import { PALETTES } from '../explorer/palettes.js'
import { NotAShape, cornersOf, shape } from '../explorer/shapes.js'
import { searchOf } from '../explorer/state.js'

const QUERY = /^(.*)\/collections\/(.+?)(?:\/instances\/([^/]+))?\/(position|multipoint|radius|area|cube|trajectory|corridor|locations|items)(?:\/[^/]+)?\/?$/
const KINDS = { POINT: 'point', MULTIPOINT: 'points', LINESTRING: 'line', POLYGON: 'polygon' }
/** What the explorer draws for each query; of others it shows the collection. */
const DRAWN = { position: ['point', 'points'], multipoint: ['point', 'points'], trajectory: ['line'], area: ['polygon'], radius: ['point'] }
/** Whose place is known from the answer alone. */
const LOCATED = ['locations', 'items']
const KM = { km: 1, m: 0.001 }

/** What the path of a page asks: { root, collection, run, query }; null for a path of another kind. */
export function queryOf (pathname) {
  const found = QUERY.exec(pathname)
  if (!found) return null
  const [root, collection, run, query] = found.slice(1)
  return { root, collection: decodeURIComponent(collection), run: run ? decodeURIComponent(run) : '', query }
}

/**
 * The address of the explorer for a page. `seen` is what is seen there: { parameters, time, level, dimensions, way, place }, the last of them if it is
 * one: [longitude, latitude].
 */
export function explorerAddress ({ root, collection, run, query }, search, seen) {
  const parameters = new URLSearchParams(search)
  const [parameter = '', ...also] = seen.parameters
  const view = {
    collection,
    run,
    parameter,
    also,
    time: seen.time,
    level: seen.level,
    dimensions: seen.dimensions,
    every: [],
    drawn: LOCATED.includes(query) && seen.place ? shape('point', [seen.place]) : drawnOf(query, parameters),
    way: seen.way,
    at: null,
    palette: PALETTES[0],
    range: null
  }
  return `${root}/explorer?${searchOf(view)}`
}

/** What a query asks about, as a shape; null where the explorer has none for it. */
export function drawnOf (query, parameters) {
  const crs = parameters.get('crs')
  if (crs && !/CRS:?84$/i.test(crs)) return null
  try {
    return query === 'cube' ? boxOf(parameters.get('bbox') ?? '') : wktOf(query, parameters)
  } catch (error) {
    if (!(error instanceof NotAShape)) throw error
    return null // it is valid where it was asked, and no more than the explorer has
  }
}

function boxOf (text) {
  const numbers = text.split(',').map(Number)
  if (numbers.length !== 4 || !numbers.every(Number.isFinite)) return null
  const [west, south, east, north] = numbers
  return shape('box', [[west, south], [east < west ? east + 360 : east, north]])
}

function wktOf (query, parameters) {
  const [, name = '', body = ''] = /^\s*([a-z]+)\s*\((.*)\)\s*$/is.exec(parameters.get('coords') ?? '') ?? []
  const kind = KINDS[name.toUpperCase()]
  if (!DRAWN[query]?.includes(kind)) return null
  if (kind === 'polygon' && /\)\s*,\s*\(/.test(body)) return null // with holes
  const corners = cornersOf(body.replace(/[()]/g, ' ').replaceAll(',', '\n'))
  if (query !== 'radius') return shape(kind, kind === 'polygon' ? corners.slice(0, -1) : corners)
  const unit = KM[parameters.get('within-units')]
  return unit ? shape('circle', corners, Number(parameters.get('within')) * unit) : null
}
