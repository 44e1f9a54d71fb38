// Land, coasts and the grid of meridians and parallels: Natural Earth, brought along, so that no tiles are needed.

/* global topojson */

import { colour } from './dom.js'
import { latitudeText, longitudeText, ticks } from './numbers.js'

/** How many degrees the map shows at most for the fine coastline to be of use. */
const FINE_BELOW = 80

/** Outlines of the land in two levels of detail, fetched when they are needed. `changed` is called once one has come. */
export class Land {
  constructor (folder, changed) {
    Object.assign(this, { folder, changed, rings: {}, asked: new Set() })
    this.fetch('110m')
  }

  async fetch (detail) {
    if (this.asked.has(detail)) return
    this.asked.add(detail)
    try {
      const world = await (await fetch(`${this.folder}/land-${detail}.json`)).json()
      this.rings[detail] = ringsOf(topojson.feature(world, world.objects.land))
      this.changed()
    } catch {
      this.asked.delete(detail) // a map without coasts is still a map; the next move tries again
    }
  }

  /** The rings for a view. */
  for (view) {
    const fine = view.east - view.west < FINE_BELOW
    if (fine) this.fetch('50m')
    return (fine && this.rings['50m']) || this.rings['110m'] || []
  }

  /** Put the rings that a view shows on the path of a context; of the coast without what closes a ring along a pole. */
  trace (context, view, coast) {
    context.beginPath()
    for (const { points, length, west, east, south, north } of this.for(view)) {
      if (south > view.north || north < view.south) continue
      const first = Math.ceil((view.west - east) / 360)
      for (let turn = first; west + 360 * turn <= view.east; turn++) traceRing(context, view, points, 360 * turn, coast ? length : points.length)
    }
  }

  /** The land as an area. */
  paintArea (context, view) {
    this.trace(context, view)
    context.fillStyle = colour('land')
    context.fill('evenodd')
  }

  /** The land's edge, over whatever is drawn on it. */
  paintCoast (context, view) {
    this.trace(context, view, true)
    context.lineJoin = 'round'
    // Two lines: one of them stands out from whatever colour is beneath.
    for (const [name, width] of [['coast-halo', 2.4], ['coast', 1]]) {
      context.strokeStyle = colour(name)
      context.lineWidth = width
      context.stroke()
    }
  }
}

function ringsOf (land) {
  const geometries = land.features ? land.features.map(feature => feature.geometry) : [land.geometry]
  const polygons = geometries.flatMap(({ type, coordinates }) => type === 'Polygon' ? [coordinates] : coordinates)
  return polygons.flat().map(ring => {
    const points = unrolled(ring)
    const [xs, ys] = [points.map(point => point[0]), points.map(point => point[1])]
    return { points, length: ring.length, west: Math.min(...xs), east: Math.max(...xs), south: Math.min(...ys), north: Math.max(...ys) }
  })
}

/**
 * A ring that crosses the antimeridian goes on beyond it, rather than back through the whole map; one around a pole is closed
 * along it.
 */
function unrolled (ring) {
  let turn = 0
  const points = ring.map(([x, y], i) => {
    const step = i === 0 ? 0 : x - ring[i - 1][0]
    if (Math.abs(step) > 180) turn -= 360 * Math.sign(step)
    return [x + turn, y]
  })
  const [first, last] = [points[0], points.at(-1)]
  if (Math.abs(last[0] - first[0]) < 180) return points
  const pole = 90 * Math.sign(first[1])
  return [...points, [last[0], pole], [first[0], pole]]
}

function traceRing (context, view, points, turn, length) {
  let [beforeX, beforeY] = [NaN, NaN]
  for (let i = 0; i < length; i++) {
    const [longitude, latitude] = points[i]
    const [x, y] = [view.x(longitude + turn), view.y(latitude)]
    if (Math.abs(x - beforeX) < 0.6 && Math.abs(y - beforeY) < 0.6) continue
    if (Number.isNaN(beforeX)) context.moveTo(x, y)
    else context.lineTo(x, y)
    ;[beforeX, beforeY] = [x, y]
  }
  if (length === points.length) context.closePath()
}

/** Meridians and parallels, with their names at the left and top of what is seen. */
export function paintGraticule (context, view) {
  const [shownWidth, shownHeight] = [view.width - 2 * view.left, view.height - 2 * view.top]
  const meridians = even(view.west, view.east, view.width / 110)
  const parallels = even(view.south, view.north, view.height / 80)
  context.strokeStyle = colour('graticule')
  context.lineWidth = 1
  context.beginPath()
  for (const longitude of meridians) {
    context.moveTo(view.x(longitude), Math.max(0, view.y(view.north)))
    context.lineTo(view.x(longitude), Math.min(view.height, view.y(view.south)))
  }
  for (const latitude of parallels) {
    context.moveTo(0, view.y(latitude))
    context.lineTo(view.width, view.y(latitude))
  }
  context.stroke()
  label(context, view, meridians, parallels, view.left + shownWidth, view.top + shownHeight)
}

/** Degrees are divided by 60, 30, 10 rather than by 50 and 20. */
function even (low, high, most) {
  const size = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60].find(step => (high - low) / step <= most) ?? 90
  if (high - low < most * 0.1) return ticks(low, high, most)
  const found = []
  for (let i = Math.ceil(low / size); i * size <= high; i++) found.push(Number((i * size).toFixed(6)))
  return found
}

function label (context, view, meridians, parallels, right, bottom) {
  context.font = '11px system-ui, sans-serif'
  context.lineWidth = 3
  context.lineJoin = 'round'
  context.strokeStyle = colour('halo')
  context.fillStyle = colour('ink')
  const write = (text, x, y) => { context.strokeText(text, x, y); context.fillText(text, x, y) }
  context.textAlign = 'center'
  for (const longitude of meridians) {
    const x = view.x(longitude)
    if (x > view.left + 30 && x < right - 20) write(longitudeText(longitude), x, bottom - 6)
  }
  context.textAlign = 'right' // and below the buttons that zoom
  for (const latitude of parallels) {
    const y = view.y(latitude)
    if (y > view.top + 90 && y < bottom - 24) write(latitudeText(latitude), right - 6, y + 4)
  }
}
