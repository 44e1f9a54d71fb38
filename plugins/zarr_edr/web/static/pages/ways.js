// Ways to look at an answer: what can be drawn of it, by its axes.

import { coveragesOf, linesOf } from '../explorer/covjson.js'
import { valuesOf } from './parts.js'

/** What each way is called. */
export const NAMES = {
  map: 'On the map',
  grid: 'As cells',
  dots: 'Points on the map',
  series: 'Over time',
  profile: 'By level',
  both: 'Time and level',
  along: 'Along the line',
  section: 'Section by level',
  values: 'Value'
}

/** Axes that each way shows whole; of each other one, one value is chosen. */
const WHOLE = { series: ['t'], profile: ['z'], both: ['t', 'z'], section: ['z'] }

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
  const points = placesIn(part)
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

/** How many different places there are. */
function placesIn (part) {
  const found = new Set()
  for (const { axes } of coveragesOf(part)) {
    const { composite } = axes
    if (!composite) found.add(`${axes.x?.values[0]} ${axes.y?.values[0]}`)
    else for (const tuple of composite.values) found.add(['x', 'y'].map(name => tuple[composite.coordinates.indexOf(name)]).join(' '))
  }
  return found.size
}

/** Every line of one value that a part has, as a place with that value: { x, y, value }, and what is measured. */
export function placesOf (part) {
  const lines = linesOf(part, '')
  return { places: lines.map(({ place, y }) => ({ x: place[0], y: place[1], value: y[0] ?? null })), parameter: lines[0]?.parameter }
}
