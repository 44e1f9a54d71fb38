// What all charts share: uPlot with our axes and colours, zoom and pan by mouse, keyboard and buttons.

/* global uPlot */

import { colour, h, onThemeChange } from './dom.js'
import { latitudeText, longitudeText, short, ticks } from './numbers.js'
import { monthTicks } from './time_words.js'
import { tickTexts, timeTicks } from './times.js'

const FONT = '12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif'
const PER_TICK = { time: 90, horizontal: 64, vertical: 38 }

/** An axis of a chart: `kind` is time, longitude, latitude or number; `calendar` of times, and whether they are `months`; `down` has small numbers on top. */
export function axisOf ({ kind = 'number', label, calendar, months, vertical, scale, side }) {
  const space = PER_TICK[vertical ? 'vertical' : kind === 'time' ? 'time' : 'horizontal']
  const pixels = u => (vertical ? u.bbox.height : u.bbox.width) / uPlot.pxRatio
  return {
    scale,
    side,
    label: label || undefined,
    font: FONT,
    labelFont: FONT,
    labelSize: 20,
    size: vertical ? verticalSize : horizontalSize,
    gap: 4,
    stroke: () => colour('ink'),
    grid: { stroke: () => colour('line'), width: 1 },
    ticks: { stroke: () => colour('line'), width: 1, size: 4 },
    splits: (u, _, low, high) => splits(kind, low, high, pixels(u) / space, calendar),
    values: (_, values) => texts(kind, values, calendar, months)
  }
}

function verticalSize (u, values) {
  const longest = Math.max(0, ...(values ?? []).map(value => String(value).length))
  return 14 + 7 * longest
}

/** A line of text, or two where a time is below its day. */
const horizontalSize = (u, values) => (values ?? []).some(value => String(value).includes('\n')) ? 44 : 28

function splits (kind, low, high, most, calendar) {
  if (!(high > low)) return [low]
  return kind === 'time' ? timeTicks(low, high, most, calendar) : ticks(low, high, most)
}

function texts (kind, values, calendar, months) {
  if (kind === 'time') return (months ? monthTicks : tickTexts)(values, calendar)
  if (kind === 'longitude') return values.map(longitudeText)
  if (kind === 'latitude') return values.map(latitudeText)
  return values.map(value => short(value, 7))
}

/** A range that is not empty, a little wider than the numbers. */
export function padded (low, high, share = 0.04) {
  if (low == null || high == null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1]
  const room = (high - low) * share || Math.abs(high) * 0.05 || 1
  return [low - room, high + room]
}

/**
 * A chart in an element, as wide as that. `options` are uPlot's; `along` are the scales that zoom and pan move.
 * Returns the plot, with `destroy`.
 */
export function plotIn (parent, options, data, along) {
  const plot = new uPlot({
    width: Math.max(parent.clientWidth, 240),
    legend: { show: false },
    padding: [12, 28, 0, 4],
    ...options,
    cursor: { drag: { x: true, y: true, uni: 24, dist: 6 }, points: { size: 7 }, ...options.cursor }
  }, data, parent)
  plot.root.querySelectorAll('canvas').forEach(canvas => canvas.setAttribute('aria-hidden', 'true'))
  const resized = new ResizeObserver(() => {
    const width = Math.max(parent.clientWidth, 240)
    if (width !== plot.width) plot.setSize({ width, height: plot.height })
  })
  resized.observe(parent)
  const themed = onThemeChange(() => plot.redraw(false, true))
  wheel(plot, along)
  // What outlives the plot would hold it, and its data, for as long as the page is open.
  plot.hooks.destroy = [...(plot.hooks.destroy ?? []), () => { resized.disconnect(); themed() }]
  return plot
}

/** Ctrl and the wheel zoom at the pointer, as on maps; the wheel alone goes on moving the page. */
function wheel (plot, along) {
  plot.over.addEventListener('wheel', event => {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    zoom(plot, along, event.deltaY < 0 ? 0.8 : 1.25)
  }, { passive: false })
}

/** Zoom by a factor about the middle. */
export function zoom (plot, along, factor) {
  for (const scale of along) {
    const { min, max } = plot.scales[scale]
    const [middle, half] = [(min + max) / 2, (max - min) / 2 * factor]
    plot.setScale(scale, { min: middle - half, max: middle + half })
  }
}

/** Move by a share of what is seen. */
export function pan (plot, along, share) {
  const { min, max } = plot.scales[along[0]]
  plot.setScale(along[0], { min: min + (max - min) * share, max: max + (max - min) * share })
}

/** Back to all of the data. */
export function reset (plot) {
  plot.setData(plot.data, true)
}

/** Buttons that zoom and pan some charts together. */
export function buttons (plots, along, vertical) {
  const all = action => () => plots.forEach(action)
  const button = (label, text, action) => h('button', { type: 'button', class: 'small', 'aria-label': label, title: label, onclick: all(action) }, text)
  return h('div', { class: 'zoom', role: 'group', 'aria-label': 'Zoom and move the chart' },
    button('Zoom into the chart', '+', plot => zoom(plot, along, 0.6)),
    button('Zoom out of the chart', '−', plot => zoom(plot, along, 1 / 0.6)),
    button(vertical ? 'Move up' : 'Move left', vertical ? '↑' : '←', plot => pan(plot, along, vertical ? up(plot, along) : -0.25)),
    button(vertical ? 'Move down' : 'Move right', vertical ? '↓' : '→', plot => pan(plot, along, vertical ? -up(plot, along) : 0.25)),
    button('All of the chart', 'All', reset))
}

const up = (plot, along) => plot.scales[along[0]].dir === -1 ? -0.25 : 0.25
