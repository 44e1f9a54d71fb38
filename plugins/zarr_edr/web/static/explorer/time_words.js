// What times are called: by their date, or in a climatology by their month; and what their axis is called.

import { fields, tickTexts, timeText } from './times.js'

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
/** Calendars in which a time is not one of ours. */
const CALENDARS = {
  '360_day': '360-day calendar',
  noleap: '365-day calendar',
  all_leap: '366-day calendar',
  julian: 'Julian calendar'
}
/** A time of the years in which climatologies are counted. */
const AVERAGE = /^000[01]-(\d\d)-/

/** Whether times (a list, or as of times.timesOf) are the months of an average year: twelve different ones, of the year 0 or 1. */
export function isClimatology (values) {
  if (values.length !== 12) return false
  const months = Array.from({ length: 12 }, (_, i) => AVERAGE.exec(values.at(i))?.[1])
  return !months.includes(undefined) && new Set(months).size === 12
}

/** How times are told: { months, text, label, column }. `months`: by their names, since no reader means the year 0. */
export function wordsFor (values, calendar) {
  if (isClimatology(values)) return { months: true, text: monthText, label: 'Month', column: 'Month' }
  return { months: false, text: timeText, label: `Time (${CALENDARS[calendar] ?? 'UTC'})`, column: 'Time' }
}

const monthText = time => MONTHS[Number(AVERAGE.exec(time)?.[1]) - 1] ?? timeText(time)

/** Labels of the ticks of a climatology. */
export function monthTicks (values, calendar) {
  const all = values.map(value => fields(value, calendar))
  if (all.some(({ hour, minute }) => hour || minute)) return tickTexts(values, calendar)
  const days = all.some(({ day }) => day !== 1)
  return all.map(({ month, day }) => `${days ? `${day} ` : ''}${MONTHS[month - 1].slice(0, 3)}`)
}
