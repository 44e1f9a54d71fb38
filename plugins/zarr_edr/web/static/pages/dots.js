// Points with values on the map, in the place of a field of cells.

import { colour } from '../explorer/dom.js'
import { rangeOf, short, withUnit } from '../explorer/numbers.js'
import { colourIndex, palette } from '../explorer/palettes.js'

const RADIUS = 6
const REACH = 12

/** First and last of the meridians that leave out the widest gap between some longitudes. */
export function shortestArc (longitudes) {
  const sorted = longitudes.map(x => ((x % 360) + 360) % 360).sort((a, b) => a - b)
  const gaps = sorted.map((x, i) => x - (i ? sorted[i - 1] : sorted.at(-1) - 360))
  const first = gaps.reduce((widest, gap, i) => gap > gaps[widest] ? i : widest, 0)
  const west = sorted[first]
  const east = west + 360 - gaps[first]
  return west > 180 ? [west - 360, east - 360] : [west, east]
}

export class Dots {
  /** As of ways.placesOf. */
  constructor ({ places, parameter }) {
    Object.assign(this, { places, parameter })
    this.range = rangeOf(this.places.map(({ value }) => value))
    this.pixels = 1
  }

  /** West, south, east, north of all points, with some room. */
  get box () {
    const [west, east] = shortestArc(this.places.map(({ x }) => x))
    const ys = this.places.map(({ y }) => y)
    const [south, north] = ys.reduce(([low, high], y) => [Math.min(low, y), Math.max(high, y)], [Infinity, -Infinity])
    const room = Math.max(1, (east - west) / 10, (north - south) / 10)
    return [west - room, Math.max(-90, south - room), east + room, Math.min(90, north + room)]
  }

  /** The point nearest to a place of the map, if it is near; null: none is. */
  at (longitude, latitude) {
    let found = null
    let nearest = REACH / this.pixels
    for (const place of this.places) {
      const turn = 360 * Math.round((longitude - place.x) / 360)
      const distance = Math.hypot(place.x + turn - longitude, place.y - latitude)
      if (distance <= nearest) [found, nearest] = [place, distance]
    }
    return found
  }

  /** A value in words. */
  text (value) {
    return value == null ? 'no value' : withUnit(short(value), this.parameter.unit)
  }

  /** As of field.js; points without a value are hollow. */
  paint (context, view, { low, high, palette: name }) {
    this.pixels = view.width / (view.east - view.west)
    const colours = palette(name)
    context.strokeStyle = colour('coast')
    for (const { x, y, value } of this.places) {
      const [red, green, blue] = value == null ? [] : colours[colourIndex(value, low, high)]
      context.fillStyle = value == null ? 'transparent' : `rgb(${red} ${green} ${blue})`
      for (let turn = Math.ceil((view.west - x) / 360); x + 360 * turn <= view.east; turn++) {
        context.beginPath()
        context.arc(view.x(x + 360 * turn), view.y(y), RADIUS, 0, 2 * Math.PI)
        context.fill()
        context.stroke()
      }
    }
  }
}
