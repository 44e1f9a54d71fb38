// Ways to look at an answer: what can be drawn of it, by its axes.

import { coveragesOf, linesOf } from '../explorer/covjson.js'
import { WAYS, WHOLE } from '../explorer/queries.js'
import { valuesOf } from './parts.js'

/** What each way is called: as in the explorer, but that cells may lie on a map here or, in metres, on none. */
export const NAMES = { ...WAYS, map: 'On the map', grid: 'As cells', dots: 'Points on the map' }

/** Ways in which every member, and every parameter, has a line of its own. */
export const LINES = ['series', 'profile', 'along', 'values']

/** Axes of which one value is to be chosen. */
export const chosenIn = way => ['t', 'z'].filter(name => !(WHOLE[way] ?? []).includes(name))

/** Ways to look at a part with one parameter, the best first; `query` is what was asked. */
export function waysOf (part, query, geographic) {
  const coverages = coveragesOf(part)
  if (!coverages.length) return []
  const most = name => Math.max(...coverages.map(({ axes }) => axes[name]?.values.length ?? 0))
  if (!coverages[0].axes.composite && (most('x') > 1 || most('y') > 1)) return [geographic ? 'map' : 'grid']
  return pointWays(part, query, geographic, valuesOf(part, 't').length, valuesOf(part, 'z').length)
}

function pointWays (part, query, geographic, times, levels) {
  const points = placesIn(part).length
  const path = query === 'trajectory' && points > 1 && coveragesOf(part).every(({ axes }) => axes.composite)
  const ways = [
    path && levels > 1 && 'section',
    path && 'along',
    !path && levels > 2 && 'profile',
    !path && times > 1 && 'series',
    !path && levels === 2 && 'profile',
    !path && points === 1 && times > 1 && levels > 1 && 'both',
    !path && points === 1 && times <= 1 && levels <= 1 && 'values',
    points > 1 && geographic && 'dots'
  ].filter(Boolean)
  return ways.length ? ways : ['values']
}

/** Every different place, as [x, y]. */
function placesIn (part) {
  const found = new Map()
  const put = place => found.set(place.join(' '), place)
  for (const { axes } of coveragesOf(part)) {
    const { composite } = axes
    if (!composite) put([axes.x?.values[0], axes.y?.values[0]])
    else for (const tuple of composite.values) put(['x', 'y'].map(name => tuple[composite.coordinates.indexOf(name)]))
  }
  return [...found.values()]
}

/** The only place of a part, as [x, y]; null where there are more, or cells. */
export function placeOf (part) {
  const places = placesIn(part)
  const cells = coveragesOf(part).some(({ axes }) => axes.x?.values.length > 1 || axes.y?.values.length > 1)
  return cells || places.length !== 1 || !places[0].every(Number.isFinite) ? null : places[0]
}

/** Every line of one value that a part has, as a place with that value: { x, y, value }, and what is measured. */
export function placesOf (part) {
  const lines = linesOf(part, '')
  return { places: lines.map(({ place, y }) => ({ x: place[0], y: place[1], value: y[0] ?? null })), parameter: lines[0]?.parameter }
}
