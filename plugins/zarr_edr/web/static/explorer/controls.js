// What is chosen beside the map: collection, run, parameter, members, colours, time and level.

import { byId, debounced, fill, h } from './dom.js'
import { short } from './numbers.js'
import { PALETTES } from './palettes.js'

/** A slider asks once it has rested so long. */
const REST_MS = 90
const FRAME_MS = 450

export class Controls {
  /** `changed` is called with what the reader changes of the view, and whether it is a step of its own to come back to. */
  constructor (changed) {
    this.changed = changed
    this.playing = 0
    this.resting = {} // what the sliders say and the view does not yet
    this.rested = debounced(REST_MS, () => this.settled())
    byId('collection').addEventListener('change', event => this.turned({ collection: event.target.value }))
    byId('run').addEventListener('change', event => this.turned({ run: event.target.value }))
    byId('parameter').addEventListener('change', event => changed({ parameter: event.target.value }, true))
    byId('palette').addEventListener('change', event => changed({ palette: event.target.value }, false))
    byId('time').addEventListener('input', () => this.slid('time', this.axes.times.values))
    byId('level').addEventListener('input', () => this.slid('level', this.levels))
    byId('play').addEventListener('click', () => this.playing ? this.stop() : this.play())
    for (const id of ['low', 'high']) byId(id).addEventListener('change', () => this.ranged())
    byId('range-auto').addEventListener('click', () => changed({ range: null }, false))
    byId('colours').addEventListener('submit', event => event.preventDefault())
    byId('about-more').addEventListener('click', () => {
      const whole = byId('about').classList.toggle('whole')
      byId('about-more').setAttribute('aria-expanded', String(whole))
      byId('about-more').textContent = whole ? 'Less' : 'More'
    })
    fill(byId('palette'), PALETTES.map(name => h('option', { value: name }, name)))
  }

  /** The collections to choose from. */
  collections (all) {
    fill(byId('collection'), all.map(({ id, title }) => h('option', { value: id }, title)))
  }

  /** Show a view: `runs` are ids, the latest last. */
  show (view, axes, collection, runs) {
    this.axes = axes
    this.view = view
    byId('collection').value = view.collection
    options('run', [['', 'Latest'], ...runs.toReversed().map(id => [id, id])], view.run)
    byId('run-field').hidden = !runs.length
    options('parameter', [...collection.parameters.values()].map(({ name, label, unit }) => [name, unit ? `${label} (${unit})` : label]), view.parameter)
    this.dimensions(view, axes)
    this.times({ ...view, ...this.resting }, axes)
    this.level({ ...view, ...this.resting }, axes)
    byId('palette').value = view.palette
    this.about(collection)
    byId('about-link').setAttribute('href', `collections/${encodeURIComponent(view.collection)}?f=html`)
  }

  /** What the collection is: on a small screen its first lines, and all of it with the title, which may not fit its field, on demand. */
  about ({ title, description }) {
    byId('about-title').textContent = `${title.replace(/[.!?]$/, '')}. `
    byId('about-text').textContent = description
    byId('collection').title = title
  }

  dimensions (view, axes) {
    const kept = byId('dimensions')
    const ids = axes.dimensions.map(({ id, values }) => `${id}\n${values.join('\n')}`).join('\n\n')
    if (kept.dataset.of !== ids) {
      kept.dataset.of = ids
      fill(kept, axes.dimensions.map(({ id, values }, i) => h('p', { class: 'field' },
        h('label', { for: `dimension-${i}` }, id),
        h('select', { id: `dimension-${i}`, onchange: event => this.changed({ dimensions: { ...this.view.dimensions, [id]: event.target.value } }, false) },
          values.map(value => h('option', { value }, value))))))
    }
    axes.dimensions.forEach(({ id }, i) => { byId(`dimension-${i}`).value = view.dimensions[id] })
  }

  times (view, axes) {
    const count = axes.times?.values.length ?? 0
    byId('time-field').hidden = count === 0
    if (!count) return this.stop()
    const slider = byId('time')
    slider.max = String(count - 1)
    slider.value = String(axes.times.values.indexOf(view.time))
    slider.disabled = byId('play').disabled = count < 2
    this.told('time', axes.times.text(view.time), view.time)
  }

  /** The level's slider stands upright, with the top of the world on top. */
  level (view, axes) {
    this.levels = (axes.levels?.values ?? []).toReversed()
    byId('level-field').hidden = this.levels.length < 2
    if (!this.levels.length) return
    const slider = byId('level')
    slider.max = String(this.levels.length - 1)
    slider.value = String(this.levels.indexOf(view.level))
    byId('level-name').textContent = axes.levels.name
    this.told('level', axes.levels.text(view.level))
  }

  /** `exact`: the value itself, where its text says less. */
  told (name, text, exact = '') {
    byId(`${name}-text`).title = exact
    byId(`${name}-text`).textContent = text
    byId(name).setAttribute('aria-valuetext', text)
  }

  /** A slider has moved: what it says changes at once, the view when it rests. */
  slid (name, values) {
    if (name === 'time') this.stop()
    const value = values.at(Number(byId(name).value))
    if (name === 'time') this.told(name, this.axes.times.text(value), value)
    else this.told(name, this.axes.levels.text(value))
    this.resting[name] = value
    this.rested()
  }

  /** Both sliders rest: what they say is one change. */
  settled () {
    const patch = this.resting
    this.resting = {}
    if (Object.keys(patch).length) this.changed(patch, false)
  }

  /** Other data: what the sliders say was of those before. */
  turned (patch) {
    this.stop()
    this.resting = {}
    this.changed(patch, true)
  }

  /** Numbers of the legend's ends; nothing in both is automatic. */
  ranged () {
    const [low, high] = ['low', 'high'].map(id => this.end(id, byId(id).value.trim()))
    const right = low < high
    byId('range-fault').textContent = right || Number.isNaN(low + high) ? '' : 'The lower number comes first.'
    if (right) this.changed({ range: { low, high } }, false)
  }

  /** The number in one of the two fields; what is shown there in short stands for all of its digits. */
  end (id, text) {
    const exact = this.ends?.[id]
    if (exact !== undefined && text === short(exact)) return exact
    return text === '' ? NaN : Number(text)
  }

  /** What the colours go from and to. */
  scale (ends) {
    this.ends = ends
    for (const id of ['low', 'high']) if (document.activeElement !== byId(id)) byId(id).value = short(ends[id])
  }

  play () {
    this.playing = setInterval(() => this.tick(), FRAME_MS)
    this.button('Stop', '❚❚')
  }

  /** The next time, once the one before is there. */
  tick () {
    if (this.waiting) return
    const { values } = this.axes.times
    const next = (values.indexOf(this.view.time) + 1) % values.length
    this.waiting = true
    this.changed({ time: values.at(next) }, false).finally(() => { this.waiting = false })
  }

  stop () {
    clearInterval(this.playing)
    this.playing = 0
    this.button('Play', '▶')
  }

  button (label, sign) {
    byId('play').setAttribute('aria-label', label)
    byId('play').title = label
    byId('play').textContent = sign
  }
}

function options (id, pairs, value) {
  const select = byId(id)
  const key = JSON.stringify(pairs)
  if (select.dataset.of !== key) {
    select.dataset.of = key
    fill(select, pairs.map(([key, label]) => h('option', { value: key }, label)))
  }
  select.value = value
}
