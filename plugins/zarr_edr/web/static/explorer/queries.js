// Addresses of requests.

import { aboutName } from './about.js'
import { coordinate, wrapped } from './numbers.js'
import { distances, path, whereOf } from './shapes.js'

/** Fields of the map have at most so many values on each axis; all of a smaller grid comes at once. */
export const MOST_X = 200
export const MOST_Y = 120

/** One step of a path, or a value of a query, written as plainly as a URL may. */
const plain = text => encodeURIComponent(text).replace(/%(2C|3A|2F|28|29)/g, decodeURIComponent).replaceAll("'", '%27')
const step = text => encodeURIComponent(text).replaceAll("'", '%27')

/** The address of a query of a collection, or of a run of it. Parameters without a value are left out. */
export function address (root, { collection, run }, query, parameters) {
  const below = run ? `${step(collection)}/instances/${step(run)}` : step(collection)
  const given = Object.entries(parameters).filter(([, value]) => value != null && value !== '')
  return `${root}/collections/${below}/${query}?${given.map(([key, value]) => `${plain(key)}=${plain(value)}`).join('&')}`
}

/** The same address in another format. */
export const inFormat = (url, format) => url.replace(/&f=[^&]*/, '') + `&f=${plain(format)}`

/** What of the data is looked at, as parameters: one time, one level, one member, or all where `all` has the axis's name. */
function selection (view, axes, all = new Set()) {
  const parameters = {}
  if (axes.times && !all.has('t')) parameters.datetime = view.time
  if (axes.levels && !all.has('z')) parameters.z = view.level
  for (const { id } of axes.dimensions) if (!all.has(id)) parameters[id] = view.dimensions[id]
  return parameters
}

/** The field of the map: a cube over `box` (west, south, east, north), of which the answer has a coarse choice of cells. */
export function fieldAddress (root, view, axes, box) {
  const [west, south, east, north] = box
  const whole = east - west >= 360
  const turned = [whole || wrapped(west) === 180 ? -180 : wrapped(west), south, whole || wrapped(east) === -180 ? 180 : wrapped(east), north]
  return address(root, view, 'cube', {
    bbox: turned.map(coordinate).join(','),
    ...selection(view, axes),
    'parameter-name': view.parameter,
    'resolution-x': MOST_X,
    'resolution-y': MOST_Y,
    f: 'CoverageJSON'
  })
}

/** Ways to look at the answer for a shape, the best first. */
export function waysOf (drawn, axes, queries) {
  const [times, levels] = [axes.times?.values.length ?? 0, axes.levels?.values.length ?? 0]
  const ways = {
    position: [levels > 2 && 'profile', times > 1 && 'series', levels > 1 && levels <= 2 && 'profile',
      drawn.kind === 'point' && levels > 1 && times > 1 && 'both', times <= 1 && levels <= 1 && 'values'],
    trajectory: ['along', levels > 1 && 'section']
  }
  const { query } = whereOf(drawn, 0)
  if (!queries[query]) return []
  return (ways[query] ?? ['grid']).filter(Boolean)
}

/** What each way is called. */
export const WAYS = {
  series: 'Over time',
  profile: 'By level',
  both: 'Time and level',
  values: 'Value',
  along: 'Along the line',
  section: 'Section by level',
  grid: 'Map of the cells'
}

/** Which axes an answer has whole in each way. */
export const WHOLE = { series: ['t'], profile: ['z'], both: ['t', 'z'], values: [], along: [], section: ['z'], grid: [] }

/** The request for what was drawn: query, address, for a line the kilometres of its vertices, and what it is about, for the name of a file. */
export function chartRequest (root, view, axes, collection) {
  const degrees = collection.cells?.degrees
  const { query, where } = whereOf(view.drawn, degrees)
  const lines = view.way !== 'both' && view.way !== 'section' && view.way !== 'grid'
  const all = new Set([...WHOLE[view.way], ...(lines ? view.every : [])])
  const parameters = {
    ...where,
    ...selection(view, axes, all),
    'parameter-name': [view.parameter, ...(lines ? view.also : [])].join(','),
    f: 'CoverageJSON'
  }
  const along = query === 'trajectory' ? distances(path(view.drawn.corners, degrees)) : null
  const about = aboutName({
    drawn: view.drawn,
    time: parameters.datetime,
    level: parameters.z,
    dimensions: Object.fromEntries(axes.dimensions.filter(({ id }) => !all.has(id)).map(({ id }) => [id, view.dimensions[id]]))
  })
  return { query, url: address(root, view, query, parameters), along, about }
}
