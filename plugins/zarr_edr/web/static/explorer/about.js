// What an answer is about - which place, time, level, member - in words for readers, and as a part of the name of a file.

import { coveragesOf } from './covjson.js'
import { latitudeText, longitudeText, placeText } from './numbers.js'

/**
 * What all values of a document have in common: `31.28°N 53.53°W, the cell of 31.5°N 53.5°W; December`. `axes` says how times
 * and levels are told; `drawn` is the shape that was asked for, or null.
 */
export function aboutText (document, axes, drawn) {
  const coverages = coveragesOf(document)
  const [x, y, time, level] = ['x', 'y', 't', 'z'].map(name => common(coverages, name))
  const cell = Number.isFinite(x) && Number.isFinite(y) ? placeText(x, y) : ''
  const told = [
    placeWords(drawn, cell),
    time != null && (axes.times?.text ?? String)(time),
    level != null && axes.levels && `${axes.levels.name} ${axes.levels.text(level)}`,
    ...members(coverages)
  ]
  return told.filter(Boolean).join('; ')
}

/** The value of a coordinate that all coverages share; undefined where there are several, or none. */
function common (coverages, name) {
  const found = new Set()
  for (const { axes } of coverages) {
    const at = axes.composite?.coordinates.indexOf(name) ?? -1
    for (const value of axes[name]?.values ?? (at < 0 ? [] : axes.composite.values.map(tuple => tuple[at]))) {
      found.add(value)
      if (found.size > 1) return undefined
    }
  }
  return [...found][0]
}

/** Values of further dimensions that all coverages share, e.g. `number 3`. */
function members ([first, ...others]) {
  const shared = Object.entries(first?.dimensions ?? {}).filter(([id, value]) => others.every(({ dimensions }) => dimensions[id] === value))
  return shared.map(([id, value]) => `${id} ${value}`)
}

/** The place in words: what was asked for, and whose cell it is in. */
function placeWords (drawn, cell) {
  if (!drawn) return cell && `The cell of ${cell}`
  const { kind, corners, km } = drawn
  if (kind === 'point' || (kind === 'points' && corners.length === 1)) {
    const asked = placeText(...corners[0])
    return !cell || cell === asked ? asked : `${asked}, the cell of ${cell}`
  }
  if (kind === 'points') return `${corners.length} places`
  if (kind === 'circle') return `Within ${km} km of ${placeText(...corners[0])}`
  const [from, to] = kind === 'line' ? [corners[0], corners.at(-1)] : bounds(corners)
  return `${{ line: 'From', box: 'Box from', polygon: 'Polygon from' }[kind]} ${placeText(...from)} to ${placeText(...to)}`
}

/** The south-western and north-eastern corner of some. */
function bounds (corners) {
  const [xs, ys] = [0, 1].map(i => corners.map(corner => corner[i]))
  return [[Math.min(...xs), Math.min(...ys)], [Math.max(...xs), Math.max(...ys)]]
}

/** The same for the name of a file, in characters that every system allows: `53.53W-31.28N-2010-09-16`. Any of these may be missing. */
export function aboutName ({ drawn, time, level, dimensions = {} }) {
  const parts = [
    drawn && placeName(drawn),
    time && time.replace(/Z$/, '').replace(/T00:00(:00)?$/, '').replace(/(T\d\d:\d\d):00$/, '$1').replaceAll(':', ''),
    level && `level${level}`,
    ...Object.entries(dimensions).map(([id, value]) => `${id}${value}`)
  ]
  return parts.filter(Boolean).join('-').replace(/[^\w.-]+/g, '_')
}

function placeName ({ kind, corners, km }) {
  const name = ([x, y]) => `${longitudeText(x)}-${latitudeText(y)}`.replaceAll('°', '')
  if (kind === 'circle') return `${name(corners[0])}-${km}km`
  if (kind.startsWith('point')) return corners.length > 1 ? `${name(corners[0])}-and-${corners.length - 1}-more` : name(corners[0])
  return (kind === 'line' ? [corners[0], corners.at(-1)] : bounds(corners)).map(name).join('-to-')
}
