// A field of cells over longitude and latitude: which cell is where, and its picture.

import { colourIndex, packed } from './palettes.js'
import { rangeOf, short, withUnit } from './numbers.js'

/** Middles between neighbours, and half a step beyond the first and last. */
export function edgesOf (values, width = 1) {
  if (values.length === 1) return [values[0] - width / 2, values[0] + width / 2]
  const middles = values.slice(1).map((value, i) => (value + values[i]) / 2)
  return [2 * values[0] - middles[0], ...middles, 2 * values.at(-1) - middles.at(-1)]
}

/** A function that finds the index of the interval of ascending `edges` in which a number lies; -1: in none. */
function finder (edges) {
  return at => {
    if (!(at >= edges[0] && at <= edges.at(-1))) return -1
    let [low, high] = [0, edges.length - 1]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (edges[middle] <= at) low = middle
      else high = middle
    }
    return low
  }
}

/** For coordinates in either order: a function from a coordinate to the index of its cell. */
function lookup (values, width) {
  const falling = values.length > 1 && values[0] > values.at(-1)
  const find = finder(edgesOf(falling ? values.toReversed() : values, width))
  return falling ? at => { const i = find(at); return i < 0 ? i : values.length - 1 - i } : find
}

/** Longitudes repeat: the same for any meridian, with no gap where the cells go all the way round. */
function longitudeLookup (values, width) {
  const rising = values.length < 2 || values[0] < values.at(-1)
  const ordered = rising ? values : values.toReversed()
  const edges = edgesOf(ordered, width)
  const gap = 360 - (edges.at(-1) - edges[0])
  if (gap < 0.6 * (edges[1] - edges[0])) {
    edges[0] -= gap / 2
    edges[edges.length - 1] = edges[0] + 360
  }
  const find = finder(edges)
  return at => {
    const i = find(edges[0] + (((at - edges[0]) % 360) + 360) % 360)
    return i < 0 || rising ? i : values.length - 1 - i
  }
}

/** Cells with values; `null` is no value. */
export class Field {
  /** `grid` as of covjson.gridOf; `width` of a cell where there is one only, in degrees; `sampled`: there are more cells than these. */
  constructor ({ xs, ys, values, parameter }, width, sampled = false) {
    Object.assign(this, { xs, ys, values, parameter, sampled })
    this.range = rangeOf(values)
    this.column = longitudeLookup(xs, width)
    this.row = lookup(ys, width)
  }

  /** The cell at a place: its centre and value; null outside. */
  at (longitude, latitude) {
    const [column, row] = [this.column(longitude), this.row(latitude)]
    if (column < 0 || row < 0) return null
    return { x: this.xs[column], y: this.ys[row], value: this.values[row * this.xs.length + column] }
  }

  /** A value in words. That of a sample is the value of a cell nearby, and is told as no more than that. */
  text (value) {
    if (value == null) return this.sampled ? 'no value in the sample' : 'no value'
    const { unit } = this.parameter
    return this.sampled ? `about ${withUnit(short(value, 4), unit)}, sampled` : withUnit(short(value), unit)
  }

  /** Paint the cells that a view shows; `view` as of layer.js. */
  paint (context, view, { low, high, palette }) {
    const { width, height } = context.canvas
    const image = context.createImageData(width, height)
    const pixels = new Uint32Array(image.data.buffer)
    const colours = packed(palette)
    const coloured = Uint32Array.from(this.values, value => value == null ? 0 : colours[colourIndex(value, low, high)])
    const columns = Int32Array.from({ length: width }, (_, i) => this.column(view.longitude((i + 0.5) / view.ratio)))
    for (let j = 0; j < height; j++) {
      const row = this.row(view.latitude((j + 0.5) / view.ratio))
      if (row < 0) continue
      const start = row * this.xs.length
      for (let i = 0; i < width; i++) if (columns[i] >= 0) pixels[j * width + i] = coloured[start + columns[i]]
    }
    context.putImageData(image, 0, 0)
  }
}
