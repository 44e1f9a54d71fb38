// Values over two axes as coloured cells: a section, time by level, or the cells of a box.

import { byId, h } from './dom.js'
import { edgesOf } from './field.js'
import { rangeOf, short, withUnit } from './numbers.js'
import { colourIndex, paintBar, palette } from './palettes.js'
import { axisOf, buttons, padded, plotIn } from './plot.js'

/**
 * Draw into an element: `chart.x` and `chart.y` are axes with `values`, `chart.values` lie row by row of y.
 * Returns the plots, to be destroyed. The series that uPlot is given is invisible; the cells are painted under its grid.
 */
export function drawCells (parent, chart, { paletteName, range }) {
  const found = rangeOf(chart.values)
  const { low, high } = range ?? found ?? { low: 0, high: 1 }
  const [x, y] = [chart.x, chart.y].map(axis => ({ ...axis, edges: edgesOf(axis.values, axis.width) }))
  const reading = h('p', { class: 'where', 'aria-live': 'off' })
  const box = h('div', { class: 'plot' })
  parent.append(box)
  const plot = plotIn(box, options(chart, x, y, paletteName, low, high, reading, parent.clientWidth), data(x, y), ['x', 'y'])
  parent.append(reading, bar(paletteName, low, high, chart.parameter), buttons([plot], ['x', 'y'], false))
  return [plot]
}

function data (x, y) {
  return [spanOf(x), spanOf(y)]
}

/** From where to where the cells of an axis reach. */
export function spanOf ({ edges }) {
  const { low, high } = rangeOf(edges) ?? { low: 0, high: 1 }
  return [low, high]
}

function options (chart, x, y, paletteName, low, high, reading, width) {
  const kind = axis => axis.kind === 'level' ? 'number' : axis.kind
  const exact = (_, from, to) => from === to ? padded(from, to) : [from, to]
  const [wide, tall] = [x, y].map(spanOf).map(([low, high]) => high - low)
  const square = tall / wide * (width - 80) + 70
  return {
    height: chart.square ? Math.round(Math.max(200, Math.min(460, square))) : 300,
    scales: { x: { time: false, range: exact }, y: { dir: chart.y.down ? -1 : 1, range: exact } },
    axes: [axisOf({ ...x, kind: kind(x), scale: 'x', side: 2 }), axisOf({ ...y, kind: kind(y), vertical: true, scale: 'y', side: 3 })],
    series: [{}, { scale: 'y', label: '', paths: () => null, points: { show: false } }],
    cursor: { points: { show: false } },
    hooks: {
      drawClear: [plot => paint(plot, chart, x, y, palette(paletteName), low, high)],
      setCursor: [plot => { reading.textContent = under(plot, chart, x, y) }]
    }
  }
}

function paint (plot, chart, x, y, colours, low, high) {
  const context = plot.ctx
  const { left, top, width, height } = plot.bbox
  const [xs, ys] = [x.edges.map(edge => plot.valToPos(edge, 'x', true)), y.edges.map(edge => plot.valToPos(edge, 'y', true))]
  context.save()
  context.beginPath()
  context.rect(left, top, width, height)
  context.clip()
  for (let row = 0; row < y.values.length; row++) {
    const [from, to] = [Math.min(ys[row], ys[row + 1]), Math.max(ys[row], ys[row + 1])]
    for (let column = 0; column < x.values.length; column++) {
      const value = chart.values[row * x.values.length + column]
      if (value == null) continue
      const [red, green, blue] = colours[colourIndex(value, low, high)]
      context.fillStyle = `rgb(${red} ${green} ${blue})`
      const [start, end] = [Math.min(xs[column], xs[column + 1]), Math.max(xs[column], xs[column + 1])]
      // Half a pixel more than there is, so that no background shines through between cells.
      context.fillRect(start - 0.25, from - 0.25, end - start + 0.5, to - from + 0.5)
    }
  }
  context.restore()
}

/** What is under the pointer, in words. */
function under (plot, chart, x, y) {
  const { left, top } = plot.cursor
  if (left == null || left < 0) return ''
  const column = cell(x.edges, plot.posToVal(left, 'x'))
  const row = cell(y.edges, plot.posToVal(top, 'y'))
  if (column < 0 || row < 0) return ''
  const value = chart.values[row * x.values.length + column]
  return `${x.text(x.values[column])}, ${y.text(y.values[row])}: ${withUnit(short(value), value == null ? '' : chart.parameter.unit)}`
}

function cell (edges, at) {
  return edges.slice(1).findIndex((edge, i) => (edges[i] - at) * (edge - at) <= 0)
}

/** Colours and their values. */
export function bar (paletteName, low, high, { label, unit }) {
  const canvas = h('canvas', { width: 256, height: 12, 'aria-hidden': 'true' })
  paintBar(canvas, paletteName)
  const middle = low + (high - low) / 2
  return h('div', { class: 'bar', role: 'img', 'aria-label': `Colours from ${short(low)} to ${withUnit(short(high), unit)}` },
    h('div', { class: 'bar-title' }, withUnit(label, unit && `(${unit})`)), canvas,
    h('div', { class: 'bar-numbers' }, ...[low, middle, high].map(value => h('span', {}, short(value, 4)))))
}

/** Put a bar where the map has its legend. */
export const showLegend = (...values) => byId('legend').replaceChildren(...(values.length ? [bar(...values)] : []))
