// Before anything is shown: a program will put something better in the place of what is marked as for readers without one.
// Should the program not come, that stays.

document.documentElement.classList.add('program')
addEventListener('error', ({ target }) => {
  if (target instanceof HTMLScriptElement) document.documentElement.classList.remove('program')
}, true)
