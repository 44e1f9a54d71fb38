// What tells that values have come: to who listens, and to who has the map on the screen but not them.

import { byId, fill, h } from './dom.js'

/** Say in two lines what has come: where and when it is of, and the summary of a chart; nothing without a chart. */
export function announce (chart) {
  fill(byId('told'), chart && [
    h('p', { class: 'whereabouts', id: 'chart-about' }, chart.about),
    h('p', { class: chart.kind === 'values' ? 'single' : 'summary', id: 'chart-summary' }, chart.summary)
  ])
}

/** A button on the map that leads to the values, where these are below the screen. */
export class Below {
  constructor () {
    Object.assign(this, { button: byId('below'), there: false, below: false })
    this.button.addEventListener('click', lead)
    // A heading that just peeps in at the lower edge of the screen is not the values.
    const options = { rootMargin: '0px 0px -20% 0px' }
    new IntersectionObserver(entries => this.crossed(entries.at(-1)), options).observe(byId('chart-title'))
  }

  /** Whether there is something to lead to. */
  show (there) {
    this.there = there
    this.update()
  }

  crossed ({ isIntersecting, boundingClientRect }) {
    this.below = !isIntersecting && boundingClientRect.top > 0
    this.update()
  }

  update () {
    this.button.hidden = !this.there || !this.below
  }
}

function lead () {
  const heading = byId('chart-title')
  heading.focus({ preventScroll: true })
  heading.scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' })
}
