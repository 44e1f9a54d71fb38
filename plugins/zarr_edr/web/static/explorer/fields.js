// The field of the map: which part of the data to ask for, and the colours it is drawn in.

import { aboutName } from './about.js'
import { gridOf } from './covjson.js'
import { Field } from './field.js'
import { near } from './numbers.js'
import { MOST_X, MOST_Y, fieldAddress } from './queries.js'

/** The part of the data to ask for where the reader sees `seen`, both west, south, east, north; null: none is seen. */
export function boxFor (collection, seen) {
  const { bbox, cells } = collection
  if (cells && cells.x <= MOST_X && cells.y <= MOST_Y) return bbox
  const [west, south, east, north] = roomy(seen)
  const turn = bbox[2] - bbox[0] >= 360 ? 0 : near((west + east) / 2, (bbox[0] + bbox[2]) / 2) - (west + east) / 2
  const all = bbox[2] - bbox[0] >= 360
  const box = [
    all ? west : Math.max(bbox[0], west + turn), Math.max(bbox[1], south),
    all ? east : Math.min(bbox[2], east + turn), Math.min(bbox[3], north)
  ]
  if (box[0] >= box[2] || box[1] >= box[3]) return null
  const most = share(box, bbox) > 0.5 || box[2] - box[0] >= 360
  return most ? bbox : box
}

const share = (part, whole) => (part[2] - part[0]) * (part[3] - part[1]) / ((whole[2] - whole[0]) * (whole[3] - whole[1]))

/** A little more than is seen, on round numbers: so that a small move of the map asks for nothing. */
function roomy ([west, south, east, north]) {
  const step = 2 ** Math.ceil(Math.log2((east - west) / 4))
  const low = value => Math.floor(value / step) * step
  const high = value => Math.ceil(value / step) * step
  return [low(west), Math.max(-90, low(south)), high(east), Math.min(90, high(north))]
}

/** Whether a grid has fewer cells on an axis than the collection has there. */
function isSample ({ xs, ys }, { cells, bbox }) {
  const steps = values => values.slice(1).map((value, i) => Math.abs(value - values[i])).sort((a, b) => a - b)
  const step = values => steps(values)[Math.floor(values.length / 2) - 1] ?? 0 // that of most: over the antimeridian one may be long
  return Boolean(cells) && (step(xs) > 1.2 * (bbox[2] - bbox[0]) / cells.x || step(ys) > 1.2 * (bbox[3] - bbox[1]) / cells.y)
}

/** Fields for views, from the API. */
export class Fields {
  constructor (root) {
    this.root = root
    this.scales = new Map()
  }

  /** The request for the field of a view: { url, query, ... } as the request panel has them; null: there is none. */
  request (view, axes, collection, seen) {
    const box = collection.queries.cube ? boxFor(collection, seen) : null
    if (!box) return null
    const [url, about] = [fieldAddress(this.root, view, axes, box), aboutName({ ...view, drawn: null })]
    return { url, query: 'cube', formats: collection.queries.cube.formats, name: view.collection, about, flat: true }
  }

  /** The field in a document of such a request; null where it has none. */
  of (document, view, collection) {
    const grid = document && gridOf(document, view.parameter, 'x', 'y')
    return grid && new Field(grid, collection.cells?.degrees, isSample(grid, collection))
  }

  /** Colours: what the reader chose, or all values of this parameter and level that have been seen so far; `known`: there are such. */
  scale (view, field) {
    const key = JSON.stringify([view.collection, view.run, view.parameter, view.level])
    const seen = this.scales.get(key)
    const found = field?.range
    const range = seen && found ? { low: Math.min(seen.low, found.low), high: Math.max(seen.high, found.high) } : found ?? seen ?? { low: 0, high: 1 }
    if (found) this.scales.set(key, range)
    return { ...(view.range ?? range), palette: view.palette, known: Boolean(view.range ?? found ?? seen) }
  }
}
