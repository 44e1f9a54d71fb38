// Numbers and places as text.

/** From here on numbers are written with an exponent: a double has no more digits than these. */
const HUGE = 1e15

/**
 * A number with at most so many significant digits, without an exponent where it is readable without. The digits before the
 * point are all kept: of a pressure in pascal, or of a date written as a number, five are not enough.
 */
export function short (value, digits = 5) {
  if (value == null || !Number.isFinite(value)) return 'no value'
  const rounded = Math.abs(value) < HUGE ? Number(value.toPrecision(Math.max(digits, wholeDigits(value)))) : Number(value.toPrecision(digits))
  const size = Math.abs(rounded)
  return size !== 0 && (size < 1e-4 || size >= HUGE) ? rounded.toExponential() : String(rounded)
}

const wholeDigits = value => String(Math.trunc(Math.abs(value))).length

/** Longitude within -180..180. */
export function wrapped (longitude) {
  const turned = ((longitude + 180) % 360 + 360) % 360 - 180
  return turned === -180 && longitude > 0 ? 180 : turned
}

/** The same meridian, as near as possible to another one. */
export const near = (longitude, other) => longitude + 360 * Math.round((other - longitude) / 360)

/** Longitude for readers: `30.5°W`. */
export function longitudeText (longitude) {
  const value = Number(wrapped(longitude).toFixed(2))
  return `${Math.abs(value)}°${value < 0 ? 'W' : 'E'}`
}

/** Latitude for readers: `12°N`. */
export function latitudeText (latitude) {
  const value = Number(latitude.toFixed(2))
  return `${Math.abs(value)}°${value < 0 ? 'S' : 'N'}`
}

/** A place for readers. */
export const placeText = (x, y) => `${latitudeText(y)} ${longitudeText(x)}`

/** A number and its unit. */
export const withUnit = (text, unit) => unit ? `${text} ${unit}` : text

/** A coordinate for a request: three decimals are about a hundred metres. */
export const coordinate = value => String(Number(value.toFixed(3)))

/** The smallest and greatest of some values, and how many there are; null where there is none. */
export function rangeOf (values) {
  let low = Infinity
  let high = -Infinity
  let count = 0
  for (const value of values) {
    if (value == null || !Number.isFinite(value)) continue
    count++
    if (value < low) low = value
    if (value > high) high = value
  }
  return count === 0 ? null : { low, high, count }
}

/** Sizes of an axis in equal steps of 1, 2 or 5: its ticks between two numbers. */
export function ticks (low, high, most) {
  const rough = (high - low) / Math.max(most, 1)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough) ?? 10 * power
  const found = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)))
  return found
}
