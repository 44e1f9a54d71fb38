// The map: land, a field of values over it, coasts over that, and the value under the pointer.

/* global L */

import { Land, paintGraticule } from './basemap.js'
import { byId, debounced, onThemeChange } from './dom.js'
import { PaintedLayer } from './layer.js'
import { placeText, wrapped } from './numbers.js'

/** A pane for each layer, from the ground up; those of Leaflet for lines and markers lie at 400 and 600. */
const PANES = { land: 210, field: 220, coast: 230 }

export class MapView {
  /**
   * `tiles`: { url, attribution } of the operator, or null; `moved` is called after the reader has moved the map, `resized` after
   * it has got another size, and so may show more.
   */
  constructor (container, { assets, tiles, moved, resized }) {
    this.map = L.map(container, {
      crs: tiles ? L.CRS.EPSG3857 : L.CRS.EPSG4326,
      attributionControl: Boolean(tiles),
      zoomControl: false,
      zoomSnap: 0.25,
      zoomDelta: 0.75,
      minZoom: 0,
      maxZoom: 12,
      doubleClickZoom: false,
      bounceAtZoomLimits: false,
      maxBounds: [[-100, -1e4], [100, 1e4]],
      maxBoundsViscosity: 0.8
    })
    L.control.zoom({ position: 'topright' }).addTo(this.map)
    this.field = null
    this.scale = { low: 0, high: 1, palette: 'viridis' }
    for (const [name, index] of Object.entries(PANES)) this.map.createPane(name).style.zIndex = String(index)
    this.land = new Land(assets, () => this.repaint())
    this.layers = this.painted(tiles)
    onThemeChange(() => this.repaint())
    this.map.on('moveend', debounced(250, () => this.settled(moved)))
    this.readout(container)
    const grown = debounced(250, resized)
    new ResizeObserver(() => {
      if (!this.home) return
      this.look(...this.home)
      grown()
    }).observe(container)
  }

  /** The layers, from the ground up. */
  painted (tiles) {
    const paintField = (context, view) => this.field?.paint(context, view, this.scale)
    const over = (context, view) => { this.land.paintCoast(context, view); paintGraticule(context, view) }
    if (tiles) L.tileLayer(tiles.url, { attribution: tiles.attribution, maxZoom: 19 }).addTo(this.map)
    const layers = { field: new PaintedLayer(paintField, { pane: 'field' }), coast: new PaintedLayer(over, { pane: 'coast' }) }
    if (!tiles) layers.land = new PaintedLayer((context, view) => this.land.paintArea(context, view), { pane: 'land' })
    return layers
  }

  /** Look at a box, or where the reader has looked before: { centre: [longitude, latitude], zoom }; again when the size changes. */
  look (box, at) {
    this.home = [box, at]
    this.map.invalidateSize({ animate: false, pan: false })
    if (at) this.map.setView([at.centre[1], at.centre[0]], at.zoom, { animate: false })
    else this.map.fitBounds([[box[1], box[0]], [box[3], box[2]]], { animate: false, padding: [4, 4] })
    for (const layer of Object.values(this.layers)) if (!this.map.hasLayer(layer)) layer.addTo(this.map)
    this.still = [this.map.getCenter(), this.map.getZoom()]
  }

  /** The map is at rest: was it the reader who moved it, or only `look`, which pixels have rounded? */
  settled (moved) {
    if (!this.still) return
    const [centre, zoom] = this.still
    const pixels = this.map.project(centre).distanceTo(this.map.project(this.map.getCenter()))
    if (this.map.getZoom() === zoom && pixels < 3) return
    this.still = [this.map.getCenter(), this.map.getZoom()]
    this.home[1] = this.around
    moved()
  }

  /** Where the reader looks: { centre: [longitude, latitude], zoom }. */
  get at () {
    const { centre: [longitude, latitude], zoom } = this.around
    return { centre: [Number(wrapped(longitude).toFixed(4)), latitude], zoom }
  }

  /** The same, however often the map was turned round: its middle may lie beyond 180. */
  get around () {
    const { lat, lng } = this.map.getCenter()
    const zoom = Number(this.map.getZoom().toFixed(2))
    const digits = zoom > 4 ? 4 : 2 // less than a pixel
    return { centre: [Number(lng.toFixed(digits)), Number(lat.toFixed(digits))], zoom }
  }

  /** West, south, east, north of what is seen. */
  get box () {
    const bounds = this.map.getBounds()
    return [bounds.getWest(), Math.max(-90, bounds.getSouth()), bounds.getEast(), Math.min(90, bounds.getNorth())]
  }

  /** Show another field, or the same in other colours; null: none. */
  show (field, scale) {
    Object.assign(this, { field, scale })
    this.layers.field.repaint()
    this.tell()
  }

  /** Draw all anew. */
  repaint () {
    for (const layer of Object.values(this.layers)) layer.repaint()
  }

  /** The place and value under the pointer; with the keyboard, in the middle of the map. */
  readout (container) {
    this.under = null
    const at = latlng => { this.under = latlng; this.tell() }
    this.map.on('mousemove', ({ latlng }) => { this.keyboard = false; at(latlng) })
    this.map.on('mouseout', () => at(null))
    this.map.on('move', () => this.keyboard && at(this.map.getCenter()))
    container.addEventListener('keydown', () => { this.keyboard = true })
    container.addEventListener('blur', () => { this.keyboard = false })
  }

  tell () {
    const output = byId('under')
    output.setAttribute('aria-live', this.keyboard ? 'polite' : 'off') // who moves the map by keys hears what is in its middle
    if (!this.under) return output.replaceChildren()
    const { lng, lat } = this.under
    const cell = this.field?.at(lng, lat)
    const value = cell ? this.field.text(cell.value) : this.field ? 'outside of the data' : ''
    output.replaceChildren(`${placeText(Number(lng.toFixed(2)), Number(lat.toFixed(2)))}  `, Object.assign(document.createElement('strong'), { textContent: value }))
  }
}
