// What was drawn: a kind and its corners, as text for the page's address and as geometry for a request.
// Corners are [longitude, latitude]; a circle has one, and `km`.

import { coordinate, wrapped } from './numbers.js'

const EARTH_KM = 6371.0088
const MOST_CORNERS = 200
const MOST_DEGREES = 720 // a start on this side of 180, and a turn from there

/** What can be drawn -> how few corners it has, and what each tool is called. */
export const KINDS = {
  point: { label: 'Point', least: 1, most: 1 },
  points: { label: 'Points', least: 1, most: MOST_CORNERS },
  line: { label: 'Line', least: 2, most: MOST_CORNERS },
  box: { label: 'Box', least: 2, most: 2 },
  polygon: { label: 'Polygon', least: 3, most: MOST_CORNERS },
  circle: { label: 'Circle', least: 1, most: 1 }
}

/** Thrown with words for the reader. */
export class NotAShape extends Error {}

/** A shape from a kind and corners. Throws NotAShape. */
export function shape (kind, corners, km) {
  const { label, least, most } = KINDS[kind] ?? {}
  if (!label) throw new NotAShape('There is no such shape.')
  if (corners.length < least) throw new NotAShape(`A ${label.toLowerCase()} needs ${least} corners; there ${corners.length === 1 ? 'is 1' : `are ${corners.length}`}.`)
  if (corners.length > most) throw new NotAShape(`At most ${most} ${most === 1 ? 'position' : 'positions'}; there are ${corners.length}.`)
  for (const [x, y] of corners) {
    if (!Number.isFinite(x)) throw new NotAShape(`${x} is not a longitude; it lies between -180 and 180.`)
    if (!(Math.abs(y) <= 90)) throw new NotAShape(`${y} is not a latitude; it lies between -90 and 90.`)
  }
  if (kind === 'circle' && !(km > 0 && km <= 10000)) throw new NotAShape('The radius is a number of kilometres, up to 10000.')
  const turn = wrapped(corners[0][0]) - corners[0][0] // lines and areas may go on beyond 180, but start on this side of it
  const turned = corners.map(([x, y]) => [kind.startsWith('point') ? wrapped(x) : x + turn, y])
  if (turned.some(([x]) => Math.abs(x) > MOST_DEGREES)) throw new NotAShape(`A ${label.toLowerCase()} does not go round the world more than once.`)
  const rounded = turned.map(([x, y]) => [Number(coordinate(x)), Number(coordinate(y))])
  return kind === 'circle' ? { kind, corners: rounded, km: Number(km.toPrecision(4)) } : { kind, corners: rounded }
}

/** Lines of text such as `-30 1` or `-30, 1`, each a position. Throws NotAShape. */
export function cornersOf (text) {
  const lines = text.split(/[\n;]/).map(line => line.trim()).filter(Boolean)
  return lines.map((line, i) => {
    const numbers = line.split(/[\s,]+/)
    if (numbers.length !== 2 || !numbers.every(number => /^[+-]?(\d+\.?\d*|\.\d+)$/.test(number))) {
      throw new NotAShape(`Line ${i + 1}, "${line.slice(0, 40)}", is not a longitude and a latitude, such as -30 1.`)
    }
    const [x, y] = numbers.map(Number)
    if (Math.abs(x) > MOST_DEGREES) throw new NotAShape(`${x} is not a longitude; it lies between -180 and 180.`)
    return [x, y]
  })
}

/** The text of a shape in the page's address: `line:-30 1,-20 2`, `circle:-30 1,100`. */
export function shapeText ({ kind, corners, km }) {
  return `${kind}:${corners.map(corner => corner.join(' ')).join(',')}${km ? `,${km}` : ''}`
}

/** The shape that such a text names. Throws NotAShape. */
export function shapeOf (text) {
  const [kind, rest = ''] = text.split(/:(.*)/s)
  const parts = rest.split(',')
  const km = kind === 'circle' ? Number(parts.pop()) : undefined
  return shape(kind, cornersOf(parts.join('\n')), km)
}

const pair = ([x, y]) => `${coordinate(x)} ${coordinate(y)}`
const wrappedPair = ([x, y]) => pair([wrapped(x), y])

/** What a shape is in a request: the query and the parameters that say where. */
export function whereOf (drawn, cellDegrees) {
  const { kind, corners, km } = drawn
  switch (kind) {
    case 'point': return { query: 'position', where: { coords: `POINT(${wrappedPair(corners[0])})` } }
    case 'points': return { query: 'position', where: { coords: `MULTIPOINT(${corners.map(c => `(${wrappedPair(c)})`).join(',')})` } }
    case 'line': return { query: 'trajectory', where: { coords: `LINESTRING(${path(corners, cellDegrees).map(pair).join(',')})` } }
    case 'box': return { query: 'cube', where: { bbox: boxText(corners) } }
    case 'polygon': return { query: 'area', where: { coords: `POLYGON((${[...corners, corners[0]].map(pair).join(',')}))` } }
    default: return { query: 'radius', where: { coords: `POINT(${wrappedPair(corners[0])})`, within: String(km), 'within-units': 'km' } }
  }
}

/** West, south, east, north of two corners. */
export function boxText ([[x1, y1], [x2, y2]]) {
  const [west, east] = [Math.min(x1, x2), Math.max(x1, x2)]
  const [south, north] = [Math.min(y1, y2), Math.max(y1, y2)]
  const [left, right] = east - west >= 360 ? [-180, 180] : [wrapped(west), wrapped(east)]
  return [left, south, right, north].map(coordinate).join(',')
}

const MOST_VERTICES = 100

/**
 * A line with vertices about a cell apart, since the API answers for vertices; at most about a hundred.
 * Straight on the map, so the values are those of the places that the line is seen to cross.
 */
export function path (corners, cellDegrees) {
  const lengths = corners.slice(1).map(([x, y], i) => Math.hypot(x - corners[i][0], y - corners[i][1]))
  const whole = lengths.reduce((sum, length) => sum + length, 0)
  const step = Math.max(cellDegrees || 0, whole / MOST_VERTICES) || 1
  const found = [corners[0]]
  lengths.forEach((length, i) => {
    const [[x1, y1], [x2, y2]] = [corners[i], corners[i + 1]]
    const parts = Math.max(1, Math.round(length / step))
    for (let part = 1; part <= parts; part++) found.push([x1 + (x2 - x1) * part / parts, y1 + (y2 - y1) * part / parts])
  })
  return found
}

const radians = degrees => degrees * Math.PI / 180
const degrees = angle => angle * 180 / Math.PI

/** Kilometres between two positions on the sphere. */
export function kilometres ([x1, y1], [x2, y2]) {
  const a = Math.sin(radians(y2 - y1) / 2) ** 2 +
    Math.cos(radians(y1)) * Math.cos(radians(y2)) * Math.sin(radians(x2 - x1) / 2) ** 2
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(a)))
}

/** Kilometres from the first of some positions to each, along them. */
export function distances (positions) {
  let sum = 0
  return positions.map((position, i) => {
    if (i > 0) sum += kilometres(positions[i - 1], position)
    return sum
  })
}

/** The outline of a circle on the sphere, as seen on the map. */
export function circleOutline ([x, y], km) {
  const angle = km / EARTH_KM
  return Array.from({ length: 73 }, (_, i) => {
    const bearing = radians(i * 5)
    const latitude = Math.asin(Math.sin(radians(y)) * Math.cos(angle) + Math.cos(radians(y)) * Math.sin(angle) * Math.cos(bearing))
    const turn = Math.atan2(Math.sin(bearing) * Math.sin(angle) * Math.cos(radians(y)), Math.cos(angle) - Math.sin(radians(y)) * Math.sin(latitude))
    return [x + degrees(turn), degrees(latitude)]
  })
}
