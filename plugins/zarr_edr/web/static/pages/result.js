// The page of an answer: what its tables hold as a chart or on a map, asked for at the very address that the page names.

import { byId, fill, h, onThemeChange } from '../explorer/dom.js'
import { copyButton } from '../explorer/request_panel.js'
import { Slot } from '../explorer/slot.js'
import { Drawing } from './drawing.js'
import { explorerAddress, queryOf } from './explored.js'
import { axesOf, choicesOf, given, memberOf, partOf } from './parts.js'
import { LINES, NAMES, chosenIn, placeOf, waysOf } from './ways.js'

/** Values that are fetched and drawn without being asked for: some megabytes. */
const MOST_VALUES = 300_000
/** Lines of several parameters are drawn at once where there are at most so many. */
const MOST_PARAMETERS = 6

class Result {
  constructor () {
    const { values, assets } = byId('result').dataset
    this.url = byId('result-url').href
    this.values = Number(values)
    this.query = queryOf(location.pathname)
    this.slot = new Slot(byId('result-state'), 'the values', () => this.start())
    this.drawing = new Drawing(byId('result-drawing'), assets)
    this.chosen = {}
    byId('result-url').textContent = this.url
    fill(byId('result-copy'), copyButton('Copy the address', () => this.url))
    onThemeChange(() => this.document && this.guarded(() => this.draw()))
  }

  /** Draw at once, or where there is much of it, offer to. */
  async open () {
    this.link({ parameters: [], time: '', level: '', dimensions: {}, way: '' })
    byId('result').hidden = false
    if (this.values <= MOST_VALUES) return this.start()
    this.picture(true)
    const button = h('button', { type: 'button', class: 'small', onclick: () => this.start() }, 'Draw them here all the same')
    fill(byId('result-state'), h('p', { class: 'remark' }, `These are ${this.values.toLocaleString('en')} values. `, button))
  }

  /** Without a drawing, the picture that the service draws is shown; beside one, it is neither shown nor fetched. */
  picture (shown) {
    document.documentElement.classList.toggle('program', !shown)
  }

  /** Ask for the answer and draw it; whatever fails is told, and leaves the picture. */
  async start () {
    this.picture(false)
    const found = await this.slot.load(this.url)
    if (!found) return this.picture(true)
    this.guarded(() => {
      this.document = found
      this.axes = axesOf(found)
      this.names = [...new Set(given(found).flatMap(coverage => Object.keys(coverage.ranges)))]
      this.draw()
    })
  }

  guarded (work) {
    try {
      work()
    } catch (error) {
      this.nothing()
      this.slot.failed(error)
    }
  }

  /** What the reader has chosen, or else the first there is, and the part of the document that is drawn then. */
  settle () {
    const { chosen, names } = this
    const parameter = names.includes(chosen.parameter) ? chosen.parameter : names[0]
    const all = partOf(this.document, { names: [parameter] })
    const ways = waysOf(all, this.query?.query, this.axes.geographic)
    const way = ways.includes(chosen.way) ? chosen.way : ways[0]
    const lines = LINES.includes(way)
    const members = lines ? [] : [...new Set(all.coverages.map(memberOf))]
    const member = members.includes(chosen.member) ? chosen.member : members[0]
    const every = lines && chosen.parameter === undefined && names.length > 1 && names.length <= MOST_PARAMETERS
    const at = {}
    const choices = {}
    for (const name of way ? chosenIn(way) : []) {
      const values = choicesOf(all, name)
      if (values.length < 2) continue
      choices[name] = values
      at[name] = values.includes(chosen[name]) ? chosen[name] : values[0]
    }
    const parameters = every ? names : [parameter]
    const part = partOf(this.document, { names: parameters, member, at })
    return { parameter, every, ways, way, members, member, at, choices, part, parameters }
  }

  /** `kept`: the settings stay as they are, since the reader has one of them in hand. */
  draw (kept = false) {
    const settled = this.settle()
    if (!settled.way) return this.nothing()
    if (!kept) this.settings(settled)
    // Colours mean the same at all times of a level.
    const { t, ...rest } = settled.at
    const scaled = LINES.includes(settled.way) ? null : partOf(this.document, { names: [settled.parameter], member: settled.member, at: rest })
    if (!this.drawing.show(settled, this.axes, scaled)) return this.nothing()
    this.picture(false)
    this.slot.clear()
    this.link(this.seen(settled))
  }

  nothing () {
    this.drawing.clear(false)
    this.picture(true)
    this.slot.say('There is nothing in this answer that can be drawn.')
  }

  /** Change what is chosen, and draw it. */
  choose (patch, kept) {
    this.chosen = { ...this.chosen, ...patch }
    this.guarded(() => this.draw(kept))
  }

  /** Ways, parameters, members, times and levels to choose from; the control in use keeps the focus. */
  settings ({ ways, way, parameter, every, members, member, at, choices }) {
    const focus = document.activeElement?.id
    const tabs = ways.map(name => h('button', { type: 'button', class: 'tab', id: `way-${name}`, 'aria-pressed': String(name === way), onclick: () => this.choose({ way: name }) }, NAMES[name]))
    const all = this.names.length <= MOST_PARAMETERS && LINES.includes(way) ? [['', 'All of them']] : []
    const options = [...all, ...this.names.map(name => [name, this.label(name)])]
    fill(byId('result-settings'),
      ways.length > 1 && h('div', { class: 'tabs', role: 'group', 'aria-label': 'Ways to look at it' }, tabs),
      this.names.length > 1 && select('parameter', 'Parameter', options, every ? '' : parameter, value => this.choose({ parameter: value === '' ? undefined : value })),
      members.length > 1 && select('member', 'Of', members.map(key => [key, memberText(key)]), member, value => this.choose({ member: value })),
      choices.t && slider('time', 'Time', choices.t, at.t, this.axes.times.text, t => this.choose({ t }, true)),
      choices.z && slider('level', this.axes.levels.name, choices.z, at.z, this.axes.levels.text, z => this.choose({ z }, true)))
    if (focus) byId(focus)?.focus()
  }

  label (name) {
    const parameters = { ...this.document.parameters, ...Object.assign({}, ...given(this.document).map(coverage => coverage.parameters)) }
    const label = Object.values(parameters[name]?.observedProperty?.label ?? {}).find(text => typeof text === 'string')
    return label ?? name
  }

  /** What is seen, in the explorer's words. */
  seen ({ parameters, way, at, part }) {
    const one = name => String(at[name] ?? choicesOf(part, name)[0] ?? '')
    const dimensions = Object.fromEntries(Object.entries(part.coverages[0]['zarr-edr:dimensions'] ?? {}).map(([id, value]) => [id, String(value)]))
    return { parameters, time: one('t'), level: one('z'), dimensions, way: ['map', 'dots', 'grid'].includes(way) ? '' : way, place: this.axes.geographic ? placeOf(part) : null }
  }

  link (seen) {
    if (!this.query) return
    const link = byId('result-explorer')
    link.setAttribute('href', explorerAddress(this.query, location.search, seen))
    link.hidden = false
  }
}

const memberText = key => Object.entries(JSON.parse(key)).map(([id, value]) => `${id} ${value}`).join(', ') || 'all'

function select (id, label, options, chosen, changed) {
  const element = h('select', { id: `result-${id}`, onchange: () => changed(element.value) }, options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)))
  return h('p', { class: 'field' }, h('label', { for: `result-${id}` }, label), element)
}

function slider (id, label, values, chosen, text, changed) {
  const output = h('output', { for: `result-${id}` }, text(chosen))
  const input = h('input', {
    type: 'range',
    id: `result-${id}`,
    min: 0,
    max: values.length - 1,
    step: 1,
    value: values.indexOf(chosen),
    'aria-valuetext': text(chosen),
    oninput: () => {
      const value = values[input.value]
      output.textContent = text(value)
      input.setAttribute('aria-valuetext', text(value))
      changed(value)
    }
  })
  return h('p', { class: 'time' }, h('label', { for: `result-${id}` }, label), input, output)
}

const result = new Result()
result.open().catch(error => {
  result.picture(true)
  throw error
})
