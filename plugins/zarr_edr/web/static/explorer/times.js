// Times in the calendars of CF: text <-> seconds on a line, and ticks for an axis of them.

const DAY = 86400
const SHAPE = /^([+-]?\d{1,6})-(\d{1,2})-(\d{1,2})(?:T(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?)?Z?$/
const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/
const CUMULATIVE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const LEAP = CUMULATIVE.map((days, month) => days + (month > 1 ? 1 : 0))

/** The calendar that CoverageJSON or a TIMECRS names; what is unknown is taken for Gregorian. */
export function calendarOf (name) {
  const last = String(name ?? '').split(/[/"]/).filter(Boolean).find(part => ['360_day', 'noleap', '365_day', 'all_leap', '366_day'].includes(part))
  if (last === '360_day') return '360_day'
  if (last === 'noleap' || last === '365_day') return 'noleap'
  return last ? 'all_leap' : 'gregorian'
}

/** Days since the start of the year 0 to a date. */
function dayNumber (year, month, day, calendar) {
  if (calendar === '360_day') return year * 360 + (month - 1) * 30 + day - 1
  if (calendar === 'noleap') return year * 365 + CUMULATIVE[month - 1] + day - 1
  if (calendar === 'all_leap') return year * 366 + LEAP[month - 1] + day - 1
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return Math.round(date.getTime() / 1000 / DAY)
}

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
  const rest = Math.round(value - days * DAY)
  const clock = { hour: Math.floor(rest / 3600) % 24, minute: Math.floor(rest / 60) % 60 }
  if (calendar === 'gregorian') {
    const date = new Date(days * DAY * 1000)
    return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), ...clock }
  }
  const length = { '360_day': 360, noleap: 365, all_leap: 366 }[calendar]
  const year = Math.floor(days / length)
  const left = days - year * length
  const starts = calendar === '360_day' ? CUMULATIVE.map((_, i) => 30 * i) : calendar === 'noleap' ? CUMULATIVE : LEAP
  const month = starts.findLastIndex(start => start <= left)
  return { year, month: month + 1, day: left - starts[month] + 1, ...clock }
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

/** The times of a list, of which one may be `Rn/start/step` with a step in days, hours, minutes, seconds. */
export function expanded (values, calendar) {
  return values.flatMap(value => {
    const [repeat, start, step] = String(value).split('/')
    if (!/^R\d{1,7}$/.test(repeat)) return [String(value)]
    const found = DURATION.exec(step ?? '')
    if (!found) return [start]
    const [days, hours, minutes, secs] = found.slice(1).map(part => Number(part ?? 0))
    const size = days * DAY + hours * 3600 + minutes * 60 + secs
    const first = seconds(start, calendar)
    return Array.from({ length: Number(repeat.slice(1)) }, (_, i) => isoOf(first + i * size, calendar))
  })
}

function isoOf (value, calendar) {
  const f = fields(value, calendar)
  const second = Number((((value % 60) + 60) % 60).toFixed(6))
  const tail = Number.isInteger(second) ? two(second) : second.toFixed(6).padStart(9, '0').replace(/0+$/, '')
  return `${four(f.year)}-${two(f.month)}-${two(f.day)}T${two(f.hour)}:${two(f.minute)}:${tail}Z`
}
