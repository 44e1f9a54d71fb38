// What tells that values have come: to who listens, and to who has the map on the screen but not them.

import { byId, fill, h } from './dom.js'
import { placeText } from './numbers.js'
import { KINDS } from './shapes.js'

/** Say in a line what has come, the summary of a chart, and to who only listens where that is; nothing without a chart. */
export function announce (chart, drawn) {
  fill(byId('told'), chart && [
    h('p', { class: 'off-screen' }, `Values ${whereText(drawn)}.`),
    h('p', { class: chart.kind === 'values' ? 'single' : 'summary', id: 'chart-summary' }, chart.summary)
  ])
}

/** Where a shape is, in words. */
function whereText ({ kind, corners, km }) {
  const first = placeText(...corners[0])
  switch (kind) {
    case 'point': return `at ${first}`
    case 'points': return `at ${corners.length} ${corners.length === 1 ? 'place' : 'places'}`
    case 'circle': return `within ${km} km of ${first}`
    case 'box': return `of a box from ${first} to ${placeText(...corners[1])}`
    default: return `of a ${KINDS[kind].label.toLowerCase()} of ${corners.length} corners from ${first}`
  }
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
