// A layer of the map that is one canvas, painted anew when the map has moved.

/* global L */

/**
 * `paint(context, view)` draws; `view` turns pixels of the canvas into longitudes and latitudes and back. `ratio` is that of
 * the canvas's pixels to those of the style sheet, in which `view` counts.
 */
export const PaintedLayer = L.Renderer.extend({
  initialize (paint, options) {
    L.Renderer.prototype.initialize.call(this, { padding: 0.15, ...options })
    this._paint = paint
  },

  _initContainer () {
    this._container = document.createElement('canvas')
    this._container.setAttribute('aria-hidden', 'true')
  },

  _destroyContainer () {
    this._container.remove()
    delete this._container
  },

  _updatePaths () {},

  _update () {
    if (this._map._animatingZoom && this._bounds) return
    L.Renderer.prototype._update.call(this)
    this.repaint()
  },

  /** Paint what is to be seen now. */
  repaint () {
    if (!this._container || !this._bounds) return
    const size = this._bounds.getSize()
    if (size.x < 1 || size.y < 1) return // the map is not to be seen, as while it is printed
    const ratio = Math.min(window.devicePixelRatio || 1, 2)
    const canvas = this._container
    L.DomUtil.setPosition(canvas, this._bounds.min)
    canvas.width = Math.round(size.x * ratio)
    canvas.height = Math.round(size.y * ratio)
    canvas.style.width = `${size.x}px`
    canvas.style.height = `${size.y}px`
    const context = canvas.getContext('2d')
    context.scale(ratio, ratio)
    this._paint(context, this._view(size, ratio))
  },

  _view (size, ratio) {
    const map = this._map
    const corner = this._bounds.min
    const edge = map.containerPointToLayerPoint([0, 0]).subtract(corner)
    const at = (x, y) => map.layerPointToLatLng(corner.add([x, y]))
    const [west, east] = [at(0, 0).lng, at(size.x, 0).lng]
    const scale = size.x / (east - west)
    return {
      ratio,
      width: size.x,
      height: size.y,
      west,
      east,
      north: Math.min(90, at(0, 0).lat),
      south: Math.max(-90, at(0, size.y).lat),
      // Where the part begins that is to be seen without moving the map.
      left: edge.x,
      top: edge.y,
      longitude: x => west + x / scale,
      latitude: y => at(0, y).lat,
      x: longitude => (longitude - west) * scale,
      y: latitude => map.latLngToLayerPoint([latitude, west]).y - corner.y
    }
  }
})
