// Lines of values: over time, by level, along a path. Parameters of different units have a chart each, one above the other.

/* global uPlot */

import { colour, h } from './dom.js'
import { rangeOf, short, withUnit } from './numbers.js'
import { lineColour } from './palettes.js'
import { axisOf, buttons, padded, plotIn } from './plot.js'

const MOST_NAMED = 12
/** Characters of the label of an axis, of which the legend has all. */
const MOST_LABEL = 28

/**
 * Draw into an element. `chart` as of charts.js. Returns the plots, to be destroyed.
 *
 * The level is the axis of x for uPlot, turned upright: so a line may go to and fro in its values.
 */
export function drawLines (parent, chart) {
  const groups = Map.groupBy(chart.lines, line => line.parameter.unit)
  const plots = []
  const upright = chart.axis.kind === 'level'
  for (const [unit, lines] of groups) {
    if (!rangeOf(lines.flatMap(line => line.y))) {
      const labels = [...new Set(lines.map(line => line.parameter.label))].join(', ')
      parent.append(h('p', { class: 'remark' }, `All values of ${labels} are missing here.`))
      continue
    }
    const box = h('div', { class: 'plot' })
    parent.append(box)
    const reading = legend(chart, lines, plots.length, plots)
    const height = upright ? 380 : groups.size > 1 ? 235 : 290
    plots.push(plotIn(box, options(chart, lines, unit, upright, height, reading), aligned(lines), ['x']))
    parent.append(reading.element)
  }
  if (Number.isFinite(chart.marked)) {
    const dashes = h('span', { class: 'mark', 'aria-hidden': 'true' })
    parent.append(h('p', { class: 'note marked' }, dashes, `Dashed: the ${chart.axis.what} of the map`))
  }
  parent.append(buttons(plots, ['x'], upright))
  return plots
}

function options (chart, lines, unit, upright, height, reading) {
  const names = [...new Set(lines.map(line => line.parameter.label))].join(', ')
  const fitting = names.length > MOST_LABEL ? `${names.slice(0, MOST_LABEL - 1)}…` : names
  const values = axisOf({ label: withUnit(fitting, unit && `(${unit})`), vertical: !upright, scale: 'y', side: upright ? 2 : 3 })
  const along = axisOf({ ...chart.axis, kind: chart.axis.kind === 'level' ? 'number' : chart.axis.kind, vertical: upright, scale: 'x', side: upright ? 3 : 2 })
  const few = Math.max(...lines.map(line => line.x.length)) <= 60
  return {
    height,
    scales: {
      x: { time: false, ori: upright ? 1 : 0, dir: chart.axis.down ? -1 : 1, range: (_, low, high) => low === high ? padded(low, high) : [low, high] },
      y: { ori: upright ? 0 : 1, range: (_, low, high) => padded(low, high) }
    },
    axes: [along, values],
    series: [{}, ...lines.map(line => ({
      scale: 'y',
      label: '',
      stroke: () => lineColour(line.colour),
      width: lines.length > 8 ? 1 : 2,
      dash: line.dash,
      points: { show: few, size: 5 },
      spanGaps: false
    }))],
    cursor: { focus: { prox: 24 } },
    focus: { alpha: lines.length > 1 ? 0.35 : 1 },
    hooks: { setCursor: [reading.follow], draw: [plot => mark(plot, chart.marked)] }
  }
}

/** A line across the chart at the time or level that the map shows. */
function mark (plot, at) {
  if (!Number.isFinite(at)) return
  const { left, top, width, height } = plot.bbox
  const upright = plot.scales.x.ori === 1
  const place = Math.round(plot.valToPos(at, 'x', true))
  if (place < (upright ? top : left) || place > (upright ? top + height : left + width)) return
  const context = plot.ctx
  context.save()
  context.strokeStyle = colour('drawn')
  context.lineWidth = uPlot.pxRatio
  context.setLineDash([4 * uPlot.pxRatio, 4 * uPlot.pxRatio])
  context.beginPath()
  context.moveTo(upright ? left : place, upright ? place : top)
  context.lineTo(upright ? left + width : place, upright ? place : top + height)
  context.stroke()
  context.restore()
}

/** Lines of which each has its own x, as uPlot wants them: on one x, with gaps where a line has none. */
function aligned (lines) {
  const tables = lines.map(({ x, y }) => {
    const order = x.map((_, i) => i).filter(i => Number.isFinite(x[i])).sort((a, b) => x[a] - x[b])
    return [order.map(i => x[i]), order.map(i => y[i])]
  })
  const [first] = tables
  const same = tables.every(([x]) => x.length === first[0].length && x.every((value, i) => value === first[0][i]))
  if (same) return [first[0], ...tables.map(([, y]) => y)]
  // A null of the data stays a gap; what a line does not have at another's x is passed over.
  return uPlot.join(tables)
}

/** Names of the lines with their values under the pointer; each can be hidden. Of many, the first are named until all are asked for. */
function legend (chart, lines, number, plots) {
  const values = []
  const where = h('span', { class: 'where' })
  const list = h('ul')
  const more = h('button', { type: 'button', class: 'small', onclick: () => name(lines.length) })
  const name = end => {
    const first = values.length
    for (let i = first; i < end; i++) {
      values.push(h('span', { class: 'reading' }))
      list.append(h('li', {}, toggleOf(lines[i], i + 1, () => plots[number]), values[i]))
    }
    const focused = document.activeElement === more
    more.parentElement?.remove()
    more.textContent = `and ${lines.length - end} more`
    if (end < lines.length) list.append(h('li', {}, more))
    if (focused) list.children[first].querySelector('button').focus()
  }
  name(lines.length > MOST_NAMED + 1 ? MOST_NAMED : lines.length)
  const follow = plot => {
    const { idx } = plot.cursor
    where.textContent = idx == null ? '' : chart.axis.text(plot.data[0][idx])
    values.forEach((value, i) => {
      const found = idx == null ? undefined : plot.data[i + 1][idx]
      value.textContent = found === undefined ? '' : ` ${withUnit(short(found), found == null ? '' : lines[i].parameter.unit)}`
    })
  }
  return { element: h('div', { class: 'legend-lines' }, where, list), follow }
}

/** A button with the name of a line that hides and shows it: the series of this number of a plot that is still to come. */
function toggleOf (line, series, plotOf) {
  const toggle = h('button', {
    type: 'button',
    class: 'line-name',
    'aria-pressed': 'true',
    onclick: () => {
      const plot = plotOf()
      const shown = !plot.series[series].show
      plot.setSeries(series, { show: shown })
      toggle.setAttribute('aria-pressed', String(shown))
    }
  }, swatchOf(line), line.name)
  return toggle
}

/** A piece of a line in its colour and dashes. */
function swatchOf ({ colour, dash }) {
  const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' })
  const ink = lineColour(colour)
  let end = 0
  const stops = (dash ?? []).map((length, i) => `${i % 2 ? 'transparent' : ink} ${end}px ${end += length}px`)
  swatch.style.background = dash ? `repeating-linear-gradient(90deg, ${stops.join(', ')})` : ink
  return swatch
}
