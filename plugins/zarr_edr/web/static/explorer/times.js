// Times in the calendars of CF: text <-> seconds on a line, and ticks for an axis of them.
// `gregorian` is the proleptic one; `standard` is Julian before 1582-10-15.

const DAY = 86400
const SHAPE = /^([+-]?\d{1,6})-(\d{1,2})-(\d{1,2})(?:T(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?)?Z?$/
const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/
const REPEATED = /^R(\d{1,12})\/([^/]*)\/(.*)$/
const CUMULATIVE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const LEAP = CUMULATIVE.map((days, month) => days + (month > 1 ? 1 : 0))
/** Names of calendars that differ from today's, as CF and the API have them, and what each is here. */
const NAMED = {
  '360_day': '360_day',
  noleap: 'noleap',
  '365_day': 'noleap',
  all_leap: 'all_leap',
  '366_day': 'all_leap',
  julian: 'julian',
  standard: 'standard'
}

/** The calendar that CoverageJSON or a TIMECRS names; what is unknown is taken for Gregorian. */
export function calendarOf (name) {
  return NAMED[String(name ?? '').split(/[/"]/).find(part => Object.hasOwn(NAMED, part))] ?? 'gregorian'
}

/** Days of a date on a line, from a day of the calendar's own. */
function dayNumber (year, month, day, calendar) {
  if (calendar === 'julian' || (calendar === 'standard' && year * 1e4 + month * 100 + day < 15821015)) return julianDay(year, month, day)
  if (calendar === '360_day') return year * 360 + (month - 1) * 30 + day - 1
  if (calendar === 'noleap') return year * 365 + CUMULATIVE[month - 1] + day - 1
  if (calendar === 'all_leap') return year * 366 + LEAP[month - 1] + day - 1
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return Math.round(date.getTime() / 1000 / DAY)
}

/** Days since 1970-01-01 of the Gregorian calendar to a date of the Julian. Years are counted from March: so a leap day is the last of its year. */
function julianDay (year, month, day) {
  const from = year - (month < 3 ? 1 : 0)
  return 365 * from + Math.floor(from / 4) + Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1 - JULIAN_EPOCH
}

/** The date that such days tell. */
function julianDate (days) {
  const since = days + JULIAN_EPOCH
  const from = Math.floor((4 * since + 3) / 1461)
  const rest = since - 365 * from - Math.floor(from / 4)
  const march = Math.floor((5 * rest + 2) / 153)
  return { year: from + (march > 9 ? 1 : 0), month: (march + 2) % 12 + 1, day: rest - Math.floor((153 * march + 2) / 5) + 1 }
}

/** From 1 March of the year 0, Julian, to 1970-01-01. */
const JULIAN_EPOCH = 719470
/** The day after 1582-10-04, Julian, is 1582-10-15 in `standard`. */
const CUTOVER = -141427

/** Seconds of a time such as `2008-07-16T12:00:00Z` on a line; NaN for what is no time. */
export function seconds (text, calendar) {
  const found = SHAPE.exec(text)
  if (!found) return NaN
  const [year, month, day, hour, minute, second] = found.slice(1).map(part => Number(part ?? 0))
  if (month < 1 || month > 12) return NaN
  return dayNumber(year, month, day, calendar) * DAY + hour * 3600 + minute * 60 + second
}

/** Year, month, day, hour, minute of seconds on the line. */
export function fields (value, calendar) {
  const days = Math.floor(value / DAY)
  const rest = Math.floor(value - days * DAY)
  return { ...dateOf(days, calendar), hour: Math.floor(rest / 3600), minute: Math.floor(rest / 60) % 60 }
}

/** Year, month and day of days on the line. */
function dateOf (days, calendar) {
  if (calendar === 'julian' || (calendar === 'standard' && days < CUTOVER)) return julianDate(days)
  if (calendar === 'gregorian' || calendar === 'standard') {
    const date = new Date(days * DAY * 1000)
    return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
  }
  const length = { '360_day': 360, noleap: 365, all_leap: 366 }[calendar]
  const year = Math.floor(days / length)
  const left = days - year * length
  const starts = calendar === '360_day' ? CUMULATIVE.map((_, i) => 30 * i) : calendar === 'noleap' ? CUMULATIVE : LEAP
  const month = starts.findLastIndex(start => start <= left)
  return { year, month: month + 1, day: left - starts[month] + 1 }
}

const two = number => String(number).padStart(2, '0')
const four = year => year < 0 ? `-${String(-year).padStart(4, '0')}` : String(year).padStart(4, '0')

/** A time without what is zero in it: `2008-07-16 12:00`. */
export function timeText (text) {
  return String(text).replace(/Z$/, '').replace('T', ' ').replace(/:00$/, '').replace(/ 00:00$/, '')
}

const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map(n => ['minute', n, n * 60]),
  ...[1, 2, 3, 6, 12].map(n => ['hour', n, n * 3600]),
  ...[1, 2, 5, 10, 15].map(n => ['day', n, n * DAY]),
  ...[1, 2, 3, 6].map(n => ['month', n, n * 30.4 * DAY]),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map(n => ['year', n, n * 365.25 * DAY])
]

/** Instants on an axis between two, at most about `most`, where readers expect them: starts of days, months, years. */
export function timeTicks (low, high, most, calendar) {
  const rough = (high - low) / Math.max(most, 1)
  const [unit, count, size] = STEPS.find(step => step[2] >= rough) ?? STEPS.at(-1)
  if (unit === 'minute' || unit === 'hour') return spaced(low, high, size)
  const from = fields(low, calendar)
  const found = []
  for (let i = 0, at = -Infinity; at <= high && i < 400; i++) {
    at = nth(unit, count, i, from, calendar)
    if (at >= low && at <= high) found.push(at)
  }
  return unit === 'day' ? [...new Set(found)] : found
}

function spaced (low, high, size) {
  const found = []
  for (let at = Math.ceil(low / size) * size; at <= high; at += size) found.push(at)
  return found
}

function nth (unit, count, i, from, calendar) {
  if (unit === 'year') return dayNumber((Math.floor(from.year / count) + i) * count, 1, 1, calendar) * DAY
  if (unit === 'month') {
    const months = Math.floor((from.month - 1) / count) * count + i * count
    return dayNumber(from.year + Math.floor(months / 12), months % 12 + 1, 1, calendar) * DAY
  }
  // Days are counted from the first of the first month; the axis is short where these are its steps.
  return (dayNumber(from.year, from.month, 1, calendar) + i * count) * DAY
}

/** Labels of ticks: as much of the time as tells one from the next. */
export function tickTexts (values, calendar) {
  const all = values.map(value => fields(value, calendar))
  const clock = all.some(f => f.hour || f.minute)
  const days = clock || all.some(f => f.day !== 1)
  const months = days || all.some(f => f.month !== 1)
  return all.map((f, i) => {
    const date = [four(f.year), ...(months ? [two(f.month)] : []), ...(days ? [two(f.day)] : [])].join('-')
    if (!clock) return date
    const same = i > 0 && all[i - 1].day === f.day && all[i - 1].month === f.month
    return same ? `${two(f.hour)}:${two(f.minute)}` : `${date}\n${two(f.hour)}:${two(f.minute)}`
  })
}

const MILLION = 1e6

/**
 * Times of an axis, in which a row may stand as `Rn/start/step`, with a step in days, hours, minutes, seconds. Those are worked out when they
 * are asked for: of a long axis only a few are.
 */
class Times {
  constructor (values, calendar) {
    this.rows = values.map(value => rowOf(String(value), calendar))
    this.length = this.rows.reduce((sum, { count }) => sum + count, 0)
  }

  /** The time at an index, which may be negative, as in a list. */
  at (index) {
    let left = index < 0 ? index + this.length : index
    for (const { count, at } of this.rows) {
      if (left >= 0 && left < count) return at(left)
      left -= count
    }
    return undefined
  }

  /** The index of a time; -1 for none of these. */
  indexOf (text) {
    let before = 0
    for (const { count, at, near } of this.rows) {
      const index = near(text)
      if (index >= 0 && index < count && at(index) === text) return before + index
      before += count
    }
    return -1
  }

  includes (text) {
    return this.indexOf(text) >= 0
  }
}

/** Times of a list, to be asked as a list is: `length`, `at`, `indexOf`, `includes`. */
export function timesOf (values, calendar) {
  return values.some(value => REPEATED.test(value)) ? new Times(values, calendar) : values.map(String)
}

/** One time, or a row: how many, the one at an index, and the index at or near which a text would stand. */
function rowOf (value, calendar) {
  const [, count, start, step] = REPEATED.exec(value) ?? []
  const found = DURATION.exec(step ?? '')
  if (!found) return { count: 1, at: () => start ?? value, near: () => 0 }
  const [days, hours, minutes, secs] = found.slice(1).map(part => Number(part ?? 0))
  // Whole seconds and millionths apart, so that nothing is rounded away however long the row is.
  const [first, firstPart] = parted(seconds(start, calendar))
  const [size, sizePart] = parted(secs)
  const whole = days * DAY + hours * 3600 + minutes * 60 + size
  const at = index => {
    const parts = firstPart + index * sizePart
    return isoOf(first + index * whole + Math.floor(parts / MILLION), parts % MILLION, calendar)
  }
  return { count: Number(count), at, near: text => Math.round((seconds(text, calendar) - first - firstPart / MILLION) / (whole + sizePart / MILLION)) }
}

function parted (value) {
  const whole = Math.floor(value)
  const parts = Math.round((value - whole) * MILLION)
  return parts === MILLION ? [whole + 1, 0] : [whole, parts]
}

function isoOf (value, millionths, calendar) {
  const f = fields(value, calendar)
  const second = two(((value % 60) + 60) % 60)
  const tail = millionths ? `${second}.${String(millionths).padStart(6, '0').replace(/0+$/, '')}` : second
  return `${four(f.year)}-${two(f.month)}-${two(f.day)}T${two(f.hour)}:${two(f.minute)}:${tail}Z`
}
