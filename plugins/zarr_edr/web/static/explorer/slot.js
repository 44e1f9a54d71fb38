// A place of the page where one request at a time is under way: its progress, a way to give it up, and what went wrong.

import { Failure, ask } from './api.js'
import { fill, h } from './dom.js'

/** Requests that are answered sooner show nothing: a flicker helps nobody. */
const PATIENCE_MS = 250

export class Slot {
  /**
   * `element` is where progress and failures are shown; `name` is what is asked for, e.g. "the chart"; `again` is what the
   * reader may do about a failure.
   */
  constructor (element, name, again) {
    Object.assign(this, { element, name, again, controller: null })
  }

  /** The document at an address; null for no data; undefined where it was given up, replaced or failed, which is shown. */
  load (url) {
    // The same again, while it is under way, is the same request.
    if (this.controller && this.url === url) return this.loading
    this.loading = this.run((signal, progress) => ask(url, { signal, progress }))
    this.url = url
    return this.loading
  }

  /** Run any such work in this place. */
  async run (work) {
    this.controller?.abort()
    const controller = this.controller = new AbortController()
    this.url = null
    const bytes = h('span')
    const patience = setTimeout(() => this.waiting(bytes), PATIENCE_MS)
    try {
      const found = await work(controller.signal, count => { bytes.textContent = count < 1e5 ? '' : ` ${(count / 1e6).toFixed(1)} MB` })
      if (this.controller !== controller) return undefined
      fill(this.element)
      return found
    } catch (error) {
      if (this.controller === controller) this.failed(error)
      return undefined
    } finally {
      clearTimeout(patience)
      if (this.controller === controller) this.controller = null
    }
  }

  waiting (bytes) {
    const start = Date.now()
    const seconds = h('span')
    const timer = setInterval(() => {
      if (!seconds.isConnected) clearInterval(timer)
      seconds.textContent = ` ${Math.round((Date.now() - start) / 1000)} s`
    }, 1000)
    const cancel = h('button', { type: 'button', class: 'small', onclick: () => this.cancel() }, 'Cancel')
    fill(this.element, h('div', { class: 'waiting' }, h('progress', { 'aria-label': `Waiting for ${this.name}` }), h('span', {}, `Waiting for ${this.name} …`, seconds, bytes), cancel))
  }

  /** Give up what is under way, and say so. */
  cancel () {
    if (!this.controller) return
    this.controller.abort()
    this.controller = null
    this.cancelled()
  }

  cancelled () {
    fill(this.element, h('p', { class: 'remark', role: 'status' }, 'Cancelled. ', this.retry()))
  }

  retry () {
    return this.again && h('button', { type: 'button', class: 'small', onclick: () => this.again() }, 'Try again')
  }

  failed (error) {
    if (error.name === 'AbortError') return this.cancelled()
    if (!(error instanceof Failure)) console.error(error)
    fill(this.element, h('p', { class: 'failure', role: 'alert' }, error instanceof Failure ? error.message : `${this.name} could not be drawn.`, ' ', this.retry()))
  }

  /** Say something that is no failure. */
  say (text) {
    fill(this.element, h('p', { class: 'remark', role: 'status' }, text))
  }

  /** Nothing more to be said; what is under way goes on. */
  rest () {
    if (!this.controller) fill(this.element)
  }

  /** Nothing to be said, and nothing under way. */
  clear () {
    this.controller?.abort()
    this.controller = null
    fill(this.element)
  }
}
