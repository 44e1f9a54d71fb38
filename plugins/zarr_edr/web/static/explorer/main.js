// The explorer: one view, held in the page's address, shown by the controls, the map, the chart and the request.

import { Failure, ROOT, ask } from './api.js'
import { Below } from './arrival.js'
import { axesOf, collectionOf } from './catalogue.js'
import { showLegend } from './cells_chart.js'
import { ChartPanel } from './chart_panel.js'
import { Controls } from './controls.js'
import { byId, debounced, fill, h, onThemeChange } from './dom.js'
import { Drawing } from './draw.js'
import { Fields } from './fields.js'
import { MapView } from './mapview.js'
import { RequestPanel } from './request_panel.js'
import { Slot } from './slot.js'
import { searchOf, settled, viewOf } from './state.js'
import { Tools } from './tools.js'

class Explorer {
  constructor () {
    const { assets, tiles, attribution } = byId('explorer').dataset
    this.fields = new Fields(ROOT)
    this.pending = null // what is wanted and not settled yet: { view, told, step }
    this.fieldTurn = 0
    this.mapSlot = new Slot(byId('map-state'), 'the map', () => this.drawField())
    this.requests = new RequestPanel()
    this.below = new Below()
    this.controls = new Controls((patch, step) => this.change(patch, step))
    this.chart = new ChartPanel(patch => this.change(patch, false), () => { this.charted = null; this.drawChart() })
    this.mapView = new MapView(byId('map'), { assets, tiles: tiles ? { url: tiles, attribution } : null, moved: () => this.moved(), resized: () => this.view && this.drawField() })
    this.drawing = new Drawing(this.mapView.map, { drawn: drawn => this.change({ drawn }, true), hint: (text, can) => this.tools?.hint(text, can) })
    this.tools = new Tools({ use: kind => this.drawing.use(kind), typed: drawn => this.change({ drawn }, true), finish: () => this.drawing.finish() })
    byId('chart-clear').addEventListener('click', () => this.change({ drawn: null, way: '' }, true))
    this.written = debounced(200, () => this.pending || this.write(false))
    addEventListener('popstate', () => this.collections && this.open(viewOf(location.search)))
    onThemeChange(() => { this.charted = null; this.view && this.refresh() })
  }

  /** Ask which collections there are, and show the view of the page's address. */
  async start () {
    let documents
    try {
      documents = (await ask(`${ROOT}/collections?f=json`)).collections
    } catch (error) {
      return this.faults([error instanceof Failure ? error.message : 'The list of collections could not be read.'])
    }
    const found = documents.map(collectionOf).filter(Boolean)
    if (!found.length) return this.faults(['This service has no collection of gridded data to explore.'])
    this.collections = new Map(found.map(collection => [collection.id, collection]))
    this.controls.collections(found)
    await this.open(viewOf(location.search))
    byId('explorer').dataset.ready = 'true'
  }

  /** Show a view that nothing is known of. */
  async open (view) {
    if (!await this.settle(view, true)) return
    this.drawing.show(this.view.drawn)
    this.tools.show(this.view.drawn)
  }

  /** The collection that a view names, or else the first there is, with a word about it. */
  async collectionFor (id, faults) {
    if (id && !this.collections.has(id)) await this.unlisted(id)
    if (id && !this.collections.has(id)) faults.push(`There is no collection ${JSON.stringify(id.slice(0, 60))}.`)
    return this.collections.get(id) ?? this.collections.values().next().value
  }

  /** A collection may be served without being listed. */
  async unlisted (id) {
    try {
      const found = collectionOf(await ask(`${ROOT}/collections/${encodeURIComponent(id)}?f=json`))
      if (found) this.collections.set(found.id, found)
      this.controls.collections([...this.collections.values()])
    } catch (error) {
      if (!(error instanceof Failure)) throw error // that there is none is told by `open`
    }
  }

  /** Change the view. `step`: the reader can come back to the view before, by the browser's button. */
  async change (patch, step) {
    const { view: before, told, step: stepBefore } = this.pending ?? { view: this.view }
    if (!before) return // there is nothing to change yet
    const other = 'collection' in patch
    const drawnAnew = 'drawn' in patch
    const kindBefore = before.drawn?.kind
    let view = { ...before, ...patch }
    if (other) view = { ...view, run: '', parameter: '', also: [], time: '', level: '', dimensions: {}, every: [], drawn: null, way: '', at: null, range: null }
    if ('run' in patch) view = { ...view, time: '' }
    if ('parameter' in patch) view = { ...view, range: null, also: before.also.filter(name => name !== patch.parameter) }
    if (drawnAnew && patch.drawn?.kind !== kindBefore && !patch.way) view.way = ''
    const done = this.settle(view, Boolean(told) && !other, step || stepBefore)
    if (this.view && (drawnAnew || other)) {
      this.drawing.show(view.drawn)
      this.tools.show(view.drawn)
    }
    await done
  }

  /**
   * Hold a view against the metadata, then show it and put it into the address. `told`: what is not there is told, as of an
   * address that was opened, not of a time that another parameter does not have. False where another view was wanted meanwhile.
   */
  async settle (wanted, told, step) {
    const pending = this.pending = { view: wanted, told, step }
    const faults = []
    const base = await this.collectionFor(wanted.collection, faults)
    const runs = base.hasRuns ? await this.runsOf(base, faults) : new Map()
    if (this.pending !== pending) return false
    this.pending = null
    let view = { ...pending.view, collection: base.id }
    if (view.run && !runs.has(view.run)) {
      faults.push(`There is no run ${JSON.stringify(view.run.slice(0, 60))}; this is the latest.`)
      view = { ...view, run: '' }
    }
    this.collection = runs.get(view.run) ?? base
    const found = settled(view, this.collection, name => axesOf(this.collection, name))
    const moved = !this.view || this.view.collection !== view.collection || JSON.stringify(found.view.at) !== JSON.stringify(this.view.at)
    this.view = found.view
    this.axes = found.axes
    this.faults(told ? [...faults, ...found.faults] : faults)
    this.controls.show(this.view, this.axes, this.collection, [...runs.keys()])
    if (moved) this.mapView.look(this.collection.bbox, this.view.at)
    if (this.drawing.shape !== this.view.drawn) this.drawing.show(this.view.drawn)
    if (step) this.write(true)
    else this.written()
    await this.refresh()
    return true
  }

  async runsOf (base, faults) {
    try {
      const { instances } = await ask(`${ROOT}/collections/${encodeURIComponent(base.id)}/instances?f=json`)
      const found = instances.map(collectionOf).filter(Boolean).map(run => ({ ...run, title: base.title, description: base.description }))
      return new Map(found.map(run => [run.id, run]))
    } catch (error) {
      faults.push(error instanceof Failure ? error.message : 'The list of runs could not be read.')
      return new Map()
    }
  }

  write (step) {
    const search = `?${searchOf(this.view)}`
    if (search === location.search) return
    if (step) history.pushState(null, '', search)
    else history.replaceState(null, '', search)
  }

  /** The reader has moved the map. */
  moved () {
    if (!this.view) return
    const { at } = this.mapView
    // Where another collection is wanted, it comes with its own part of the world.
    if (this.pending?.view.collection === this.view.collection) this.pending.view = { ...this.pending.view, at }
    this.view = { ...this.view, at }
    this.written()
    this.drawField()
  }

  /** Draw what the view shows and is not drawn yet. */
  async refresh () {
    const field = this.drawField()
    this.drawChart()
    await field
  }

  drawChart () {
    const { view, axes, collection } = this
    this.below.show(Boolean(view.drawn))
    const key = JSON.stringify([view.drawn, view.way, view.collection, view.run, view.parameter, view.also, view.every, view.dimensions, view.palette, view.range,
      view.way === 'series' || view.way === 'both' ? '' : view.time, view.way === 'profile' || view.way === 'both' || view.way === 'section' ? '' : view.level])
    if (key === this.charted) return this.chart.mark(view)
    this.charted = key
    const request = this.chart.show(view, axes, collection, ROOT)
    this.requests.set('chart', request && { ...request, formats: collection.queries[request.query].formats, name: view.collection, flat: !request.url.includes('/position') })
  }

  async drawField () {
    const turn = ++this.fieldTurn
    const { view, axes, collection } = this
    const request = this.fields.request(view, axes, collection, this.mapView.box)
    this.requests.set('map', request)
    const shows = JSON.stringify([view.collection, view.run, view.parameter])
    if (shows !== this.shows) this.picture(null) // that of something else does not stay beneath the new names
    this.shows = shows
    if (!request) {
      this.mapSlot.clear()
      this.picture(null)
      return this.mapSlot.say(collection.queries.cube ? 'There are no data in this part of the map.' : 'This collection has no cube query, so there is no picture.')
    }
    const document = await this.mapSlot.load(request.url)
    if (turn !== this.fieldTurn) return // another picture is wanted by now
    if (document === undefined) { // it failed or was given up, which is told
      this.controls.stop()
      return this.picture(null)
    }
    const field = this.fields.of(document, view, collection)
    this.picture(field)
    if (!field) this.mapSlot.say('There are no data at this time and level.')
    else if (!field.range) this.mapSlot.say('All values are missing at this time and level.')
  }

  /** Show a field of the view with its legend, or none: then the legend has what is known of the colours. */
  picture (field) {
    const { view, collection } = this
    const scale = this.fields.scale(view, field)
    this.mapView.show(field, scale)
    byId('coarse').textContent = field?.sampled ? 'The picture is a sample of the cells; zoom in to see all of them.' : ''
    if (!scale.known) return showLegend()
    this.controls.scale(scale)
    const parameter = collection.parameters.get(view.parameter)
    showLegend(view.palette, scale.low, scale.high, { ...parameter, unit: (field?.parameter ?? parameter).unit })
  }

  faults (texts) {
    fill(byId('faults'), texts.map(text => h('p', { class: 'failure' }, text)))
  }
}

new Explorer().start()
