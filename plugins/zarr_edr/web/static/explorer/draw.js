// Drawing on the map: clicks and drags become a shape, whose corners can be moved afterwards.

/* global L */

import { colour, h } from './dom.js'
import { near } from './numbers.js'
import { lineColour } from './palettes.js'
import { KINDS, NotAShape, circleOutline, kilometres, shape } from './shapes.js'

const HANDLE = 22
const FEW = 25

/** Tools that are dragged from corner to corner rather than clicked. */
const DRAGGED = new Set(['box', 'circle'])

/** Two clicks are a double click within so many pixels, and where the browser does not count those of a finger, milliseconds. */
const CLOSE = 12
const DOUBLE_MS = 300

export class Drawing {
  /** `drawn` is called with each finished shape, `hint` with what to do next. */
  constructor (map, { drawn, hint }) {
    Object.assign(this, { map, drawn, hint, kind: 'point', shape: null, corners: [] })
    this.layer = L.layerGroup().addTo(map)
    this.draft = L.layerGroup().addTo(map)
    map.on('click', event => this.again(event) || this.clicked(event.latlng))
    map.on('dblclick', () => this.finish())
    map.on('mousemove', ({ latlng }) => this.moved(latlng))
    map.on('move', () => this.keyed && this.sketch(this.middle()))
    map.on('keydown', ({ originalEvent }) => this.pressed(originalEvent))
    this.dragging()
    this.pointed()
  }

  /** Choose a tool. */
  use (kind) {
    this.kind = kind
    this.begin()
    // Where a drag draws, it cannot move the map, nor a finger the page.
    if (DRAGGED.has(kind)) this.map.dragging.disable()
    else this.map.dragging.enable()
    this.map.getContainer().classList.toggle('dragged-over', DRAGGED.has(kind))
    this.hint(HINTS[kind])
  }

  /** Show a shape that was drawn, here or elsewhere; null: none. */
  show (drawn) {
    this.shape = drawn
    this.begin()
    this.hint(HINTS[this.kind])
  }

  /**
   * The shape whose values are shown, until another one takes its place. It can be changed by the tool it was drawn with, while
   * nothing else is begun: what another tool does on its corners is a new shape.
   */
  paint () {
    const drawn = this.shape
    this.layer.clearLayers()
    if (!drawn) return
    const centre = this.map.getCenter().lng
    const turn = near(drawn.corners[0][0], centre) - drawn.corners[0][0]
    const at = drawn.corners.map(([x, y]) => [y, drawn.kind.startsWith('point') ? near(x, centre) : x + turn])
    const held = drawn.kind === this.kind && !this.corners.length
    this.outline(this.layer, drawn.kind, at, drawn.km, this.corners.length ? { opacity: 0.6, dashArray: '2 6' } : {})
    if (!held && !drawn.kind.startsWith('point')) return
    if (at.length <= FEW || drawn.kind === 'points') at.forEach((place, i) => this.handle(place, i, held))
    if (drawn.kind === 'circle') this.handle(edgeOf(at[0], drawn.km), 1, held)
  }

  /** Nothing is begun. `keyed`: what is begun was so by keyboard, and its next corner is the middle of the map. */
  begin () {
    this.corners = []
    this.keyed = false
    this.draft.clearLayers()
    this.paint()
  }

  outline (layer, kind, at, km, more) {
    const style = { color: colour('drawn'), weight: 2.5, fillOpacity: 0.08, interactive: false, ...more }
    if (kind === 'line') L.polyline(at, style).addTo(layer)
    if (kind === 'polygon') L.polygon(at, style).addTo(layer)
    if (kind === 'box') L.rectangle(at, style).addTo(layer)
    if (kind === 'circle') L.polygon(circleOutline([at[0][1], at[0][0]], km).map(([x, y]) => [y, x]), style).addTo(layer)
  }

  /** A corner; `held`: that can be dragged. Others let clicks and drags through. */
  handle (place, index, held) {
    const { kind, corners } = this.shape
    const numbered = kind === 'points' || kind === 'point'
    const dot = h('span', { class: numbered ? 'handle numbered' : 'handle' }, kind === 'points' ? String(index + 1) : '')
    if (numbered) dot.style.background = lineColour(index)
    const icon = L.divIcon({ html: dot, className: 'handle-box', iconSize: [HANDLE, HANDLE] })
    const title = kind === 'circle' && index === 1 ? 'Edge' : `${KINDS[kind].label} ${corners.length > 1 ? `corner ${index + 1}` : ''}`.trim()
    const marker = L.marker(place, { icon, draggable: held, interactive: held, keyboard: false, title, alt: title }).addTo(this.layer)
    marker.on('dragend', () => this.drop(index, marker.getLatLng()))
  }

  drop (index, { lng, lat }) {
    const { kind, corners, km } = this.shape
    if (kind === 'circle' && index === 1) return this.offer(corners, kilometres(corners[0], [lng, lat]), kind)
    this.offer(corners.map((corner, i) => i === index ? [lng, lat] : corner), km, kind)
  }

  /** Whether a click is the second of a double click: that ends a shape, and is no corner of it. */
  again ({ originalEvent: { detail, timeStamp }, containerPoint }) {
    const before = this.lastClick
    this.lastClick = { containerPoint, timeStamp }
    return before && containerPoint.distanceTo(before.containerPoint) <= CLOSE && (detail > 1 || timeStamp - before.timeStamp < DOUBLE_MS)
  }

  clicked ({ lng, lat }) {
    this.keyed = false
    if (this.dropped || DRAGGED.has(this.kind)) return
    if (this.kind === 'point') return this.offer([[lng, lat]])
    if (this.kind === 'points') {
      const before = this.shape?.kind === 'points' ? this.shape.corners : []
      return this.offer([...before, [lng, lat]])
    }
    if (!this.ends([lng, lat])) this.start([...this.corners, [lng, lat]])
    this.sketch()
    const enough = this.corners.length >= KINDS[this.kind].least
    this.hint(enough ? LONGEST_HINT : 'Click the next corner.', enough)
  }

  /** Whether a place is the last corner already. */
  ends (place) {
    return String(this.corners.at(-1)) === String(place)
  }

  /** Corners of a new shape. */
  start (corners) {
    this.corners = corners
    if (corners.length === 1) this.paint()
  }

  /** End a line or polygon. */
  finish () {
    if (!DRAGGED.has(this.kind) && this.corners.length >= KINDS[this.kind].least) this.offer(this.corners)
  }

  pressed (event) {
    if (event.target !== this.map.getContainer()) return
    if (event.key === 'Escape') this.use(this.kind)
    if (event.key !== 'Enter') return
    if (DRAGGED.has(this.kind)) this.entered()
    else if (this.corners.length && !this.keyed) this.finish() // what was clicked
    else this.cornered()
  }

  /** Enter for a box or circle: the middle of the map is where it begins, and then where it ends. */
  entered () {
    if (this.keyed) return this.dragged(this.corners[0], this.middle())
    this.start([this.middle()])
    this.keyed = true
    this.sketch(this.middle())
    this.hint(AGAIN_HINT)
  }

  /** Enter for the others: the middle of the map is a corner, and the same place once more ends a line or polygon. */
  cornered () {
    if (this.keyed && this.ends(this.middle())) return this.finish()
    this.clicked(this.map.getCenter())
    this.keyed = this.corners.length > 0
    if (this.corners.length === 1) this.hint(AGAIN_HINT)
  }

  middle () {
    const { lng, lat } = this.map.getCenter()
    return [lng, lat]
  }

  moved (latlng) {
    if (this.corners.length && !DRAGGED.has(this.kind)) this.sketch([latlng.lng, latlng.lat])
  }

  /** What has been drawn of a shape so far. */
  sketch (pointer) {
    this.draft.clearLayers()
    const corners = pointer ? [...this.corners, pointer] : this.corners
    const at = corners.map(([x, y]) => [y, x])
    const kind = this.kind === 'polygon' && at.length < 3 ? 'line' : this.kind
    this.outline(this.draft, kind, at, kind === 'circle' && kilometres(corners[0], corners[1]))
    for (const place of at.slice(0, this.corners.length)) L.circleMarker(place, { radius: 4, color: colour('drawn'), interactive: false }).addTo(this.draft)
  }

  /** The map looks other while it is used by keys than while it is by pointer, whose clicks give it the focus, too. */
  pointed () {
    const container = this.map.getContainer()
    const mark = on => () => container.classList.toggle('pointed', on)
    container.addEventListener('pointerdown', mark(true), true)
    container.addEventListener('keydown', mark(false), true)
    container.addEventListener('blur', mark(false))
  }

  /** Boxes and circles: from where the pointer goes down to where it goes up. */
  dragging () {
    const container = this.map.getContainer()
    const at = event => { const { lng, lat } = this.map.mouseEventToLatLng(event); return [lng, Math.max(-90, Math.min(90, lat))] }
    container.addEventListener('pointerdown', event => {
      if (!DRAGGED.has(this.kind) || event.button !== 0 || event.target.closest('.leaflet-control, .handle-box')) return
      if (!event.isPrimary) return this.ended() // a second finger: this is no drag but a zoom
      this.begin()
      this.start([at(event)])
      container.setPointerCapture(event.pointerId)
    })
    container.addEventListener('pointermove', event => {
      if (this.drags(event)) this.sketch(at(event))
    })
    container.addEventListener('pointerup', event => {
      if (this.drags(event)) this.dragged(this.corners[0], at(event))
    })
    container.addEventListener('pointercancel', event => {
      if (this.drags(event)) this.ended()
    })
  }

  drags (event) {
    return DRAGGED.has(this.kind) && event.isPrimary && this.corners.length > 0 && !this.keyed
  }

  /** A box or circle from one place to another; where these are one, there is none. */
  dragged (first, last) {
    this.ended()
    const wide = this.map.latLngToContainerPoint(first.toReversed()).distanceTo(this.map.latLngToContainerPoint(last.toReversed()))
    if (wide >= 4) this.offer(this.kind === 'box' ? [first, last] : [first], kilometres(first, last))
  }

  /** What was drawn before is seen again, until something else is. */
  ended () {
    this.show(this.shape)
    // The click that follows the end of a drag is not a click.
    this.dropped = true
    setTimeout(() => { this.dropped = false })
  }

  offer (corners, km, kind = this.kind) {
    try {
      this.drawn(shape(kind, corners, km))
    } catch (error) {
      if (!(error instanceof NotAShape)) throw error
      this.hint(error.message)
    }
  }
}

/** No hint is longer, button and all: so much room is kept, and the map stays where it is from click to click. */
export const LONGEST_HINT = 'Click more corners, or finish with a double click, Enter or the button.'
const AGAIN_HINT = 'Move the map by its arrow keys, and press Enter again.'

const HINTS = {
  point: 'Click the map: the values of the cell there are shown.',
  points: 'Click several places, one after another.',
  line: 'Click the corners of a line.',
  box: 'Drag from one corner of a box to the other, or press Enter at each.',
  polygon: 'Click the corners of a polygon.',
  circle: 'Drag from the middle of a circle to its edge, or press Enter at each.'
}

/** The point of a circle due east, where its radius is changed. */
function edgeOf ([latitude, longitude], km) {
  const [x, y] = circleOutline([longitude, latitude], km)[18]
  return [y, x]
}
