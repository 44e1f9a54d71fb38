// A part of an answer, drawn: lines, cells, or a map.

import { aboutText } from '../explorer/about.js'
import { bar, drawCells } from '../explorer/cells_chart.js'
import { chartOf } from '../explorer/charts.js'
import { coveragesOf, gridOf } from '../explorer/covjson.js'
import { fill, h } from '../explorer/dom.js'
import { Field } from '../explorer/field.js'
import { drawLines } from '../explorer/lines_chart.js'
import { MapView } from '../explorer/mapview.js'
import { rangeOf, short } from '../explorer/numbers.js'
import { PALETTES } from '../explorer/palettes.js'
import { distances } from '../explorer/shapes.js'
import { Dots } from './dots.js'
import { NAMES, placesOf } from './ways.js'

/** More lines than these nobody can tell apart. */
const MOST_LINES = 60
/** A single cell has no width of its own: so many degrees, or whatever the coordinates are in. */
const WIDTH = 1

export class Drawing {
  /** `element` is drawn into; `assets` is the folder of the coasts. */
  constructor (element, assets) {
    const [charts, maps] = [h('div'), h('div', { hidden: true })]
    Object.assign(this, { assets, charts, maps, plots: [], map: null })
    fill(element, charts, maps)
  }

  /**
   * Draw a part in a way, as result.js has settled them; `scaled` is the part that the colours span. False where there is
   * nothing to draw.
   */
  show ({ way, part, parameter }, axes, scaled) {
    if (!part.coverages.length) {
      this.clear(false)
      return false // not every level has every time
    }
    const range = scaled && rangeOf(scaled.coverages.flatMap(({ ranges }) => ranges[parameter]?.values ?? []))
    if (way === 'map' || way === 'dots') return this.onMap(way, part, parameter, range)
    this.clear(false)
    const view = { way, parameter, palette: PALETTES[0], range: range && { low: range.low, high: range.high } }
    const chart = way === 'grid' && !axes.geographic ? planeChart(part, view) : chartOf(part, view, axes, alongOf(part))
    if (!chart) return false
    this.chart(chart, way, view, aboutText(part, axes, null))
    return true
  }

  chart (chart, way, view, about) {
    const drawing = h('div', { class: 'drawing', role: 'group', 'aria-label': `Chart: ${NAMES[way]}` })
    const all = chart.lines?.length ?? 0
    fill(this.charts, about && h('p', { class: 'whereabouts' }, about), h('p', { class: chart.kind === 'values' && chart.table.rows.length === 1 ? 'single' : 'summary' }, chart.summary), chart.kind !== 'nothing' && drawing)
    if (all > MOST_LINES) {
      chart.lines.length = MOST_LINES
      this.charts.prepend(h('p', { class: 'remark' }, `The first ${MOST_LINES} of ${all} lines.`))
    }
    if (chart.kind === 'lines') this.plots = drawLines(drawing, chart)
    if (chart.kind === 'cells') this.plots = drawCells(drawing, chart, { paletteName: view.palette, range: view.range })
  }

  onMap (way, part, parameter, range) {
    const field = way === 'dots' ? new Dots(placesOf(part)) : fieldOf(part, parameter)
    if (!field?.parameter) return false
    const scale = { low: 0, high: 1, ...range, palette: PALETTES[0] }
    this.clear(true)
    this.map ??= this.open(field.box ?? boxOf(field))
    this.map.view.show(field, scale)
    fill(this.map.legend, bar(scale.palette, scale.low, scale.high, field.parameter))
    const { count, low, high } = field.range ?? { count: 0 }
    // Of cells it is not known which lie beside the area that was asked for, and so have no value.
    const missing = way === 'dots' && count < field.places.length ? `, ${field.places.length - count} missing` : ''
    this.map.summary.textContent = count ? `${count} ${count === 1 ? 'value' : 'values'}${missing}; from ${short(low)} to ${short(high)} ${field.parameter.unit}` : 'All values are missing here.'
    return true
  }

  /** A map is opened once: Leaflet's cannot be closed while somebody watches their size. */
  open (box) {
    const container = h('div', { id: 'map', tabindex: '0', role: 'application', 'aria-label': 'Map. Arrow keys move it, plus and minus zoom.' })
    const [legend, summary] = [h('div', { class: 'legend' }), h('p', { class: 'summary' })]
    fill(this.maps, summary, h('div', { class: 'map-frame' }, container, h('output', { id: 'under', class: 'under', 'aria-live': 'off' })), legend)
    const view = new MapView(container, { assets: this.assets, tiles: null, moved: () => {}, resized: () => {} })
    view.look(box, null)
    return { view, legend, summary }
  }

  /** Make room for a chart, or for the map. */
  clear (onMap) {
    this.plots.forEach(plot => plot.destroy())
    this.plots = []
    fill(this.charts)
    this.maps.hidden = !onMap
  }
}

function fieldOf (part, parameter) {
  const grid = gridOf(part, parameter, 'x', 'y')
  return grid && new Field(grid, widthOf(grid))
}

const widthOf = ({ xs, ys }) => [xs, ys].map(values => values.length > 1 ? Math.abs(values[1] - values[0]) : 0).find(Boolean) ?? WIDTH

/** West, south, east, north of a field. */
function boxOf ({ xs, ys }) {
  const half = widthOf({ xs, ys }) / 2
  const [west, east, south, north] = [Math.min(xs[0], xs.at(-1)), Math.max(xs[0], xs.at(-1)), Math.min(ys[0], ys.at(-1)), Math.max(ys[0], ys.at(-1))]
  return [west - half, Math.max(-90, south - half), east + half, Math.min(90, north + half)]
}

/** Cells of a plane whose coordinates are no degrees. */
function planeChart (part, { parameter }) {
  const grid = gridOf(part, parameter, 'x', 'y')
  if (!grid) return null
  const axis = (label, values) => ({ kind: 'number', label, values, width: widthOf(grid), text: value => `${label} ${short(value, 9)}` })
  const found = rangeOf(grid.values)
  if (!found) return { kind: 'nothing', summary: 'All values are missing here.' }
  const summary = `${found.count} values; from ${short(found.low)} to ${short(found.high)} ${grid.parameter.unit}`
  return { kind: 'cells', x: axis('x', grid.xs), y: axis('y', grid.ys), values: grid.values, parameter: grid.parameter, square: true, summary }
}

/** Kilometres along the places of the first coverage, which for a path all coverages share. */
function alongOf (part) {
  const [{ axes: { composite } }] = coveragesOf(part)
  return composite ? distances(composite.values.map(tuple => ['x', 'y'].map(name => tuple[composite.coordinates.indexOf(name)]))) : []
}
