// The tools to draw with, by mouse or by typing coordinates.

import { byId, fill, h } from './dom.js'
import { LONGEST_HINT } from './draw.js'
import { KINDS, NotAShape, cornersOf, shape } from './shapes.js'

const TYPED = {
  point: 'Longitude and latitude, e.g. -30 1',
  points: 'A longitude and a latitude on each line',
  line: 'A corner on each line: longitude, latitude',
  box: 'Two opposite corners, one on each line: longitude, latitude',
  polygon: 'A corner on each line: longitude, latitude',
  circle: 'The middle: longitude and latitude'
}

const MOVE = 'Arrow keys move the map, + and - zoom;'
const ENDS = 'Enter takes a corner under the cross, and once more there ends it.'
const BEGINS = 'Enter begins under the cross, and ends where you press it again.'
/** What the keys do while the map has them. */
const KEYS = {
  point: 'Enter takes the place under the cross.',
  points: 'Enter takes each place under the cross.',
  line: ENDS,
  box: BEGINS,
  polygon: ENDS,
  circle: BEGINS
}

export class Tools {
  /** `use` is called with the kind that is chosen, `typed` with a shape, `finish` when a line or polygon is to end. */
  constructor ({ use, typed, finish }) {
    Object.assign(this, { use, typed })
    this.buttons = new Map(Object.entries(KINDS).map(([kind, { label }]) => [kind, h('button', { type: 'button', class: 'tool', onclick: () => this.choose(kind) }, icon(kind), label)]))
    fill(byId('tools'), [...this.buttons.values()])
    byId('hint-room').prepend(`${LONGEST_HINT} `)
    byId('finish').addEventListener('click', finish)
    byId('typed').addEventListener('submit', event => { event.preventDefault(); this.submit() })
    this.choose('point')
  }

  /** Choose a tool. */
  choose (kind) {
    this.kind = kind
    for (const [name, button] of this.buttons) button.setAttribute('aria-pressed', String(name === kind))
    byId('typed-label').textContent = TYPED[kind]
    byId('typed-radius').hidden = kind !== 'circle'
    byId('typed-fault').textContent = ''
    byId('keys').textContent = `${MOVE} ${KEYS[kind]}`
    this.use(kind)
  }

  /** What to do next; `can` says whether a line or polygon may end here. */
  hint (text, can = false) {
    if (byId('hint').textContent !== text) byId('hint').textContent = text // what has been read is not read again
    byId('finish').hidden = !can
  }

  /** Show the coordinates of what is drawn, to be changed. */
  show (drawn) {
    if (!drawn) return
    if (drawn.kind !== this.kind) this.choose(drawn.kind)
    byId('coordinates').value = drawn.corners.map(corner => corner.join(' ')).join('\n')
    if (drawn.km) byId('radius').value = String(drawn.km)
  }

  submit () {
    const fault = byId('typed-fault')
    fault.textContent = ''
    try {
      this.typed(shape(this.kind, cornersOf(byId('coordinates').value), Number(byId('radius').value)))
    } catch (error) {
      if (!(error instanceof NotAShape)) throw error
      fault.textContent = error.message
    }
  }
}

const SVG = 'http://www.w3.org/2000/svg'
const PATHS = {
  point: 'M8 4.6a3.4 3.4 0 1 0 .01 0z',
  points: 'M4 9a2 2 0 1 0 .01 0zM11 2.5a2 2 0 1 0 .01 0zM12 10a2 2 0 1 0 .01 0z',
  line: 'M2 13L6 5L10 10L14 3',
  box: 'M2.5 3.5h11v9h-11z',
  polygon: 'M8 2L14 7L11.5 13.5L4 13L2 6z',
  circle: 'M8 2a6 6 0 1 0 .01 0z'
}

function icon (kind) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 16 16')
  svg.setAttribute('class', kind.startsWith('point') ? 'full' : 'hollow')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', PATHS[kind])
  svg.append(path)
  return svg
}
