// The answer for what was drawn: a chart, its numbers as a table, and the ways to look at it.

import { aboutText } from './about.js'
import { announce } from './arrival.js'
import { drawCells } from './cells_chart.js'
import { chartOf } from './charts.js'
import { byId, fill, h } from './dom.js'
import { drawLines } from './lines_chart.js'
import { WAYS, chartRequest, waysOf } from './queries.js'
import { Slot } from './slot.js'

const MOST_ROWS = 500

export class ChartPanel {
  /** `changed` is called with what the reader changes of the view: { way }, { also }, { every }; `again` where it wants to ask once more. */
  constructor (changed, again) {
    this.changed = changed
    this.plots = []
    this.turn = 0
    this.slot = new Slot(byId('chart-state'), 'the values', again)
    this.body = byId('chart')
  }

  /** Ask and draw what the view shows; returns its request, or null where nothing is drawn. */
  show (view, axes, collection, root) {
    const ways = view.drawn ? waysOf(view.drawn, axes, collection.queries) : []
    byId('chart-empty').hidden = Boolean(view.drawn)
    byId('chart-clear').hidden = !view.drawn
    if (!ways.length) {
      this.turn++
      this.blank()
      this.slot.clear()
      this.settings([], view, axes, collection)
      if (view.drawn) this.slot.say('This collection does not offer the query for this shape.')
      return null
    }
    this.settings(ways, view, axes, collection)
    const request = chartRequest(root, view, axes, collection)
    this.seen = view
    this.draw(request, view, axes)
    return request
  }

  async draw ({ url, along }, view, axes) {
    this.body.setAttribute('aria-busy', 'true')
    const turn = ++this.turn
    const document = await this.slot.load(url)
    if (turn !== this.turn) return // something else is drawn by now
    this.blank()
    if (document === undefined) return
    if (document === null) return this.slot.say('There are no data for this place and time.')
    const chart = chartOf(document, view, axes, along)
    if (!chart) return this.slot.say('The answer holds nothing that can be drawn; the files below have it all.')
    this.chart = { ...chart, about: aboutText(document, axes, view.drawn) }
    this.mark(this.seen)
    this.put(this.chart, view)
  }

  /** Mark the time or level that the map shows. */
  mark (view) {
    this.seen = view // also while the chart is still to come
    if (this.chart?.kind !== 'lines') return
    const { axis } = this.chart
    const shown = { time: view.time, level: view.level }[axis.kind]
    this.chart.marked = shown ? axis.numbers([shown])[0] : NaN
    this.plots.forEach(plot => plot.redraw(false))
  }

  put (chart, view) {
    const drawing = h('div', { class: 'drawing', role: 'group', 'aria-label': `Chart: ${WAYS[view.way]}` })
    announce(chart)
    if (chart.kind === 'nothing') return
    fill(this.body, drawing)
    const options = { paletteName: view.palette, range: view.range }
    if (chart.kind === 'lines') this.plots = drawLines(drawing, chart)
    if (chart.kind === 'cells') this.plots = drawCells(drawing, chart, options)
    this.body.append(tableOf(chart.table, chart.kind === 'values'))
  }

  blank () {
    announce()
    this.plots.forEach(plot => plot.destroy())
    this.plots = []
    this.chart = null
    fill(this.body)
    this.body.setAttribute('aria-busy', 'false')
  }

  /** Ways to look at the answer, further parameters, all members. */
  settings (ways, view, axes, collection) {
    const tabs = ways.length < 2
      ? []
      : ways.map(way => h('button', {
        type: 'button',
        class: 'tab',
        'aria-pressed': String(way === view.way),
        onclick: () => this.changed({ way })
      }, WAYS[way]))
    const lines = ways.length > 0 && !['both', 'section', 'grid'].includes(view.way)
    const others = lines ? [...collection.parameters.values()].filter(({ name }) => name !== view.parameter) : []
    const also = others.slice(0, 12).map(({ name, label }) => check(`Also ${label}`, view.also.includes(name), on => this.changed({ also: toggled(view.also, name, on) })))
    const every = (lines ? axes.dimensions : []).map(({ id, values }) => values.length > 1 && check(`Each ${id} (${values.length} lines)`, view.every.includes(id), on => this.changed({ every: toggled(view.every, id, on) })))
    const focus = document.activeElement?.closest?.('#chart-settings') && document.activeElement.textContent
    fill(byId('chart-settings'), tabs.length > 0 && h('div', { class: 'tabs', role: 'group', 'aria-label': 'Ways to look at it' }, tabs), also, every)
    if (focus) [...byId('chart-settings').querySelectorAll('button')].find(button => button.textContent === focus)?.focus()
  }
}

const toggled = (list, name, on) => on ? [...list, name] : list.filter(other => other !== name)

function check (label, checked, changed) {
  const input = h('input', { type: 'checkbox', checked, onchange: () => changed(input.checked) })
  return h('label', { class: 'check' }, input, label)
}

/** The numbers of a chart, as the API gave them; written when it is opened. */
function tableOf ({ columns, rows, cells = [] }, open) {
  const details = h('details', { class: 'numbers', open }, h('summary', {}, open ? 'Values' : `The numbers as a table (${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`))
  const write = () => {
    if (!details.open || details.querySelector('table')) return
    const cell = (value, i) => {
      const text = cells[i]?.(value) ?? written(value)
      const title = text === written(value) ? null : value
      return i === 0 ? h('th', { scope: 'row', title }, text) : h('td', { class: typeof value === 'string' ? null : 'number', title }, text)
    }
    details.append(h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'The numbers' }, h('table', { class: 'data' },
      h('caption', {}, rows.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${rows.length} rows; the files below have them all` : `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`),
      h('thead', {}, h('tr', {}, columns.map(name => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, rows.slice(0, MOST_ROWS).map(row => h('tr', {}, row.map(cell)))))))
  }
  details.addEventListener('toggle', write)
  write()
  return details
}

const written = value => value == null ? '' : String(value)
